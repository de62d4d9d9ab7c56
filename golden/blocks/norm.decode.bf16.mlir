module @norm {
  func.func public @main(
      %norm: tensor<416xf32>,
      %x: tensor<1x416xf32>) -> (tensor<1x416xf32>) {
    %norm.multiply = stablehlo.multiply %x, %x : tensor<1x416xf32>
    %norm.constant = stablehlo.constant dense<0.0> : tensor<f32>
    %norm.reduce = stablehlo.reduce(%norm.multiply init: %norm.constant) applies stablehlo.add across dimensions = [1] : (tensor<1x416xf32>, tensor<f32>) -> tensor<1xf32>
    %norm.constant_2 = stablehlo.constant dense<4.16e2> : tensor<1xf32>
    %norm.divide = stablehlo.divide %norm.reduce, %norm.constant_2 : tensor<1xf32>
    %norm.constant_3 = stablehlo.constant dense<1.0e-5> : tensor<1xf32>
    %norm.add = stablehlo.add %norm.divide, %norm.constant_3 : tensor<1xf32>
    %norm.rsqrt = stablehlo.rsqrt %norm.add : tensor<1xf32>
    %norm.broadcast_in_dim = stablehlo.broadcast_in_dim %norm.rsqrt, dims = [0] : (tensor<1xf32>) -> tensor<1x416xf32>
    %norm.multiply_2 = stablehlo.multiply %x, %norm.broadcast_in_dim : tensor<1x416xf32>
    %norm.broadcast_in_dim_2 = stablehlo.broadcast_in_dim %norm, dims = [1] : (tensor<416xf32>) -> tensor<1x416xf32>
    %norm.multiply_3 = stablehlo.multiply %norm.multiply_2, %norm.broadcast_in_dim_2 : tensor<1x416xf32>
    return %norm.multiply_3 : tensor<1x416xf32>
  }
}
