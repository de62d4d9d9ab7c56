module attributes {stable_mosaic.version = 15 : i64} {
  "stable_mosaic.func.func"() ({
  ^bb0(%place0: i32,
       %place1: i32,
       %numbers0: memref<1xi32, #tpu.memory_space<smem>>,
       %queries_0: memref<1x2x3x32xbf16, #tpu.memory_space<vmem>>,
       %keys_1: memref<1x2x32x256xbf16, #tpu.memory_space<vmem>>,
       %values_2: memref<1x2x32x256xbf16, #tpu.memory_space<vmem>>,
       %sinks_3: memref<2x3x1xf32, #tpu.memory_space<vmem>>,
       %y_4: memref<1x2x3x32xf32, #tpu.memory_space<vmem>>,
       %peaks_5: memref<2x3x1xf32, #tpu.memory_space<vmem>>,
       %totals_6: memref<2x3x1xf32, #tpu.memory_space<vmem>>):
    %n0 = "stable_mosaic.arith.constant"() {value = 0 : i32} : () -> i32
    %at0 = "stable_mosaic.arith.constant"() {value = 0 : index} : () -> index
    %at1 = "stable_mosaic.arith.constant"() {value = 1 : index} : () -> index
    %n256 = "stable_mosaic.arith.constant"() {value = 256 : i32} : () -> i32
    %t0 = "stable_mosaic.arith.cmpi"(%place1, %n0) {predicate = 0 : i64} : (i32, i32) -> i1
    "stable_mosaic.scf.if"(%t0) ({
      %t1 = "stable_mosaic.vector.load"(%sinks_3, %at0, %at0, %at0) : (memref<2x3x1xf32, #tpu.memory_space<vmem>>, index, index, index) -> vector<1x3x1xf32>
      %0 = "stable_mosaic.vector.shape_cast"(%t1) : (vector<1x3x1xf32>) -> vector<3x1xf32>
      %t2 = "stable_mosaic.vector.shape_cast"(%0) : (vector<3x1xf32>) -> vector<1x3x1xf32>
      "stable_mosaic.tpu.vector_store"(%t2, %peaks_5, %at0, %at0, %at0) {add = false, operandSegmentSizes = array<i32: 1, 1, 3, 0>, strides = array<i32>} : (vector<1x3x1xf32>, memref<2x3x1xf32, #tpu.memory_space<vmem>>, index, index, index) -> ()
      %1 = "stable_mosaic.arith.constant"() {value = dense<1.0> : vector<3x1xf32>} : () -> vector<3x1xf32>
      %t3 = "stable_mosaic.vector.shape_cast"(%1) : (vector<3x1xf32>) -> vector<1x3x1xf32>
      "stable_mosaic.tpu.vector_store"(%t3, %totals_6, %at0, %at0, %at0) {add = false, operandSegmentSizes = array<i32: 1, 1, 3, 0>, strides = array<i32>} : (vector<1x3x1xf32>, memref<2x3x1xf32, #tpu.memory_space<vmem>>, index, index, index) -> ()
      %2 = "stable_mosaic.arith.constant"() {value = dense<0.0> : vector<3x32xf32>} : () -> vector<3x32xf32>
      %t4 = "stable_mosaic.vector.shape_cast"(%2) : (vector<3x32xf32>) -> vector<1x1x3x32xf32>
      "stable_mosaic.tpu.vector_store"(%t4, %y_4, %at0, %at0, %at0, %at0) {add = false, operandSegmentSizes = array<i32: 1, 1, 4, 0>, strides = array<i32>} : (vector<1x1x3x32xf32>, memref<1x2x3x32xf32, #tpu.memory_space<vmem>>, index, index, index, index) -> ()
      %t5 = "stable_mosaic.vector.load"(%sinks_3, %at1, %at0, %at0) : (memref<2x3x1xf32, #tpu.memory_space<vmem>>, index, index, index) -> vector<1x3x1xf32>
      %3 = "stable_mosaic.vector.shape_cast"(%t5) : (vector<1x3x1xf32>) -> vector<3x1xf32>
      %t6 = "stable_mosaic.vector.shape_cast"(%3) : (vector<3x1xf32>) -> vector<1x3x1xf32>
      "stable_mosaic.tpu.vector_store"(%t6, %peaks_5, %at1, %at0, %at0) {add = false, operandSegmentSizes = array<i32: 1, 1, 3, 0>, strides = array<i32>} : (vector<1x3x1xf32>, memref<2x3x1xf32, #tpu.memory_space<vmem>>, index, index, index) -> ()
      %4 = "stable_mosaic.arith.constant"() {value = dense<1.0> : vector<3x1xf32>} : () -> vector<3x1xf32>
      %t7 = "stable_mosaic.vector.shape_cast"(%4) : (vector<3x1xf32>) -> vector<1x3x1xf32>
      "stable_mosaic.tpu.vector_store"(%t7, %totals_6, %at1, %at0, %at0) {add = false, operandSegmentSizes = array<i32: 1, 1, 3, 0>, strides = array<i32>} : (vector<1x3x1xf32>, memref<2x3x1xf32, #tpu.memory_space<vmem>>, index, index, index) -> ()
      %5 = "stable_mosaic.arith.constant"() {value = dense<0.0> : vector<3x32xf32>} : () -> vector<3x32xf32>
      %t8 = "stable_mosaic.vector.shape_cast"(%5) : (vector<3x32xf32>) -> vector<1x1x3x32xf32>
      "stable_mosaic.tpu.vector_store"(%t8, %y_4, %at0, %at1, %at0, %at0) {add = false, operandSegmentSizes = array<i32: 1, 1, 4, 0>, strides = array<i32>} : (vector<1x1x3x32xf32>, memref<1x2x3x32xf32, #tpu.memory_space<vmem>>, index, index, index, index) -> ()
      "stable_mosaic.scf.yield"() : () -> ()
    }, {
    }) : (i1) -> ()
    %t9 = "stable_mosaic.arith.muli"(%place1, %n256) {overflowFlags = #arith.overflow<none>} : (i32, i32) -> i32
    %t10 = "stable_mosaic.arith.index_cast"(%place0) : (i32) -> index
    %t11 = "stable_mosaic.memref.load"(%numbers0, %t10) : (memref<1xi32, #tpu.memory_space<smem>>, index) -> i32
    %t12 = "stable_mosaic.arith.cmpi"(%t9, %t11) {predicate = 3 : i64} : (i32, i32) -> i1
    "stable_mosaic.scf.if"(%t12) ({
      %6 = "stable_mosaic.tpu.iota"() {dimensions = array<i32: 1>} : () -> vector<3x256xi32>
      %t13 = "stable_mosaic.arith.muli"(%place1, %n256) {overflowFlags = #arith.overflow<none>} : (i32, i32) -> i32
      %7 = "stable_mosaic.vector.broadcast"(%t13) : (i32) -> vector<3x256xi32>
      %8 = "stable_mosaic.arith.addi"(%6, %7) {overflowFlags = #arith.overflow<none>} : (vector<3x256xi32>, vector<3x256xi32>) -> vector<3x256xi32>
      %t14 = "stable_mosaic.arith.index_cast"(%place0) : (i32) -> index
      %t15 = "stable_mosaic.memref.load"(%numbers0, %t14) : (memref<1xi32, #tpu.memory_space<smem>>, index) -> i32
      %9 = "stable_mosaic.vector.broadcast"(%t15) : (i32) -> vector<3x256xi32>
      %10 = "stable_mosaic.arith.cmpi"(%8, %9) {predicate = 3 : i64} : (vector<3x256xi32>, vector<3x256xi32>) -> vector<3x256xi1>
      %t16 = "stable_mosaic.vector.load"(%keys_1, %at0, %at0, %at0, %at0) : (memref<1x2x32x256xbf16, #tpu.memory_space<vmem>>, index, index, index, index) -> vector<1x1x32x256xbf16>
      %11 = "stable_mosaic.vector.shape_cast"(%t16) : (vector<1x1x32x256xbf16>) -> vector<32x256xbf16>
      %t17 = "stable_mosaic.vector.load"(%values_2, %at0, %at0, %at0, %at0) : (memref<1x2x32x256xbf16, #tpu.memory_space<vmem>>, index, index, index, index) -> vector<1x1x32x256xbf16>
      %12 = "stable_mosaic.vector.shape_cast"(%t17) : (vector<1x1x32x256xbf16>) -> vector<32x256xbf16>
      %t18 = "stable_mosaic.vector.load"(%queries_0, %at0, %at0, %at0, %at0) : (memref<1x2x3x32xbf16, #tpu.memory_space<vmem>>, index, index, index, index) -> vector<1x1x3x32xbf16>
      %13 = "stable_mosaic.vector.shape_cast"(%t18) : (vector<1x1x3x32xbf16>) -> vector<3x32xbf16>
      %t19 = "stable_mosaic.arith.constant"() {value = dense<0.0> : vector<3x256xf32>} : () -> vector<3x256xf32>
      %14 = "stable_mosaic.tpu.matmul"(%13, %11, %t19) {dimension_numbers = #tpu.dot_dimension_numbers<[1], [0], [0], [1], [0, 0, 1, 1], [], []>, transpose_lhs = false, transpose_lhs_hint = false, transpose_rhs = false} : (vector<3x32xbf16>, vector<32x256xbf16>, vector<3x256xf32>) -> vector<3x256xf32>
      %15 = "stable_mosaic.arith.constant"() {value = dense<1.7677669e-1> : vector<3x256xf32>} : () -> vector<3x256xf32>
      %16 = "stable_mosaic.arith.mulf"(%14, %15) {fastmath = #arith.fastmath<none>} : (vector<3x256xf32>, vector<3x256xf32>) -> vector<3x256xf32>
      %17 = "stable_mosaic.arith.constant"() {value = dense<0xFF800000> : vector<3x256xf32>} : () -> vector<3x256xf32>
      %18 = "stable_mosaic.arith.select"(%10, %16, %17) : (vector<3x256xi1>, vector<3x256xf32>, vector<3x256xf32>) -> vector<3x256xf32>
      %t20 = "stable_mosaic.vector.load"(%peaks_5, %at0, %at0, %at0) : (memref<2x3x1xf32, #tpu.memory_space<vmem>>, index, index, index) -> vector<1x3x1xf32>
      %19 = "stable_mosaic.vector.shape_cast"(%t20) : (vector<1x3x1xf32>) -> vector<3x1xf32>
      %t21 = "stable_mosaic.arith.constant"() {value = dense<0xFF800000> : vector<3xf32>} : () -> vector<3xf32>
      %t22 = "stable_mosaic.vector.multi_reduction"(%18, %t21) {kind = #vector.kind<maximumf>, reduction_dims = array<i64: 1>} : (vector<3x256xf32>, vector<3xf32>) -> vector<3xf32>
      %20 = "stable_mosaic.vector.shape_cast"(%t22) : (vector<3xf32>) -> vector<3x1xf32>
      %21 = "stable_mosaic.arith.maximumf"(%19, %20) {fastmath = #arith.fastmath<none>} : (vector<3x1xf32>, vector<3x1xf32>) -> vector<3x1xf32>
      %22 = "stable_mosaic.vector.broadcast"(%21) : (vector<3x1xf32>) -> vector<3x256xf32>
      %23 = "stable_mosaic.arith.subf"(%18, %22) {fastmath = #arith.fastmath<none>} : (vector<3x256xf32>, vector<3x256xf32>) -> vector<3x256xf32>
      %24 = "stable_mosaic.math.exp"(%23) {fastmath = #arith.fastmath<none>} : (vector<3x256xf32>) -> vector<3x256xf32>
      %25 = "stable_mosaic.arith.subf"(%19, %21) {fastmath = #arith.fastmath<none>} : (vector<3x1xf32>, vector<3x1xf32>) -> vector<3x1xf32>
      %26 = "stable_mosaic.math.exp"(%25) {fastmath = #arith.fastmath<none>} : (vector<3x1xf32>) -> vector<3x1xf32>
      %t23 = "stable_mosaic.vector.load"(%totals_6, %at0, %at0, %at0) : (memref<2x3x1xf32, #tpu.memory_space<vmem>>, index, index, index) -> vector<1x3x1xf32>
      %27 = "stable_mosaic.vector.shape_cast"(%t23) : (vector<1x3x1xf32>) -> vector<3x1xf32>
      %28 = "stable_mosaic.arith.mulf"(%27, %26) {fastmath = #arith.fastmath<none>} : (vector<3x1xf32>, vector<3x1xf32>) -> vector<3x1xf32>
      %t24 = "stable_mosaic.arith.constant"() {value = dense<0.0> : vector<3xf32>} : () -> vector<3xf32>
      %t25 = "stable_mosaic.vector.multi_reduction"(%24, %t24) {kind = #vector.kind<add>, reduction_dims = array<i64: 1>} : (vector<3x256xf32>, vector<3xf32>) -> vector<3xf32>
      %29 = "stable_mosaic.vector.shape_cast"(%t25) : (vector<3xf32>) -> vector<3x1xf32>
      %30 = "stable_mosaic.arith.addf"(%28, %29) {fastmath = #arith.fastmath<none>} : (vector<3x1xf32>, vector<3x1xf32>) -> vector<3x1xf32>
      %31 = "stable_mosaic.arith.truncf"(%24) : (vector<3x256xf32>) -> vector<3x256xbf16>
      %t26 = "stable_mosaic.arith.constant"() {value = dense<0.0> : vector<3x32xf32>} : () -> vector<3x32xf32>
      %32 = "stable_mosaic.tpu.matmul"(%31, %12, %t26) {dimension_numbers = #tpu.dot_dimension_numbers<[1], [1], [0], [0], [0, 0, 1, 0], [], []>, transpose_lhs = false, transpose_lhs_hint = false, transpose_rhs = false} : (vector<3x256xbf16>, vector<32x256xbf16>, vector<3x32xf32>) -> vector<3x32xf32>
      %t27 = "stable_mosaic.vector.load"(%y_4, %at0, %at0, %at0, %at0) : (memref<1x2x3x32xf32, #tpu.memory_space<vmem>>, index, index, index, index) -> vector<1x1x3x32xf32>
      %33 = "stable_mosaic.vector.shape_cast"(%t27) : (vector<1x1x3x32xf32>) -> vector<3x32xf32>
      %34 = "stable_mosaic.vector.broadcast"(%26) : (vector<3x1xf32>) -> vector<3x32xf32>
      %35 = "stable_mosaic.arith.mulf"(%33, %34) {fastmath = #arith.fastmath<none>} : (vector<3x32xf32>, vector<3x32xf32>) -> vector<3x32xf32>
      %36 = "stable_mosaic.arith.addf"(%35, %32) {fastmath = #arith.fastmath<none>} : (vector<3x32xf32>, vector<3x32xf32>) -> vector<3x32xf32>
      %t28 = "stable_mosaic.vector.shape_cast"(%36) : (vector<3x32xf32>) -> vector<1x1x3x32xf32>
      "stable_mosaic.tpu.vector_store"(%t28, %y_4, %at0, %at0, %at0, %at0) {add = false, operandSegmentSizes = array<i32: 1, 1, 4, 0>, strides = array<i32>} : (vector<1x1x3x32xf32>, memref<1x2x3x32xf32, #tpu.memory_space<vmem>>, index, index, index, index) -> ()
      %t29 = "stable_mosaic.vector.shape_cast"(%30) : (vector<3x1xf32>) -> vector<1x3x1xf32>
      "stable_mosaic.tpu.vector_store"(%t29, %totals_6, %at0, %at0, %at0) {add = false, operandSegmentSizes = array<i32: 1, 1, 3, 0>, strides = array<i32>} : (vector<1x3x1xf32>, memref<2x3x1xf32, #tpu.memory_space<vmem>>, index, index, index) -> ()
      %t30 = "stable_mosaic.vector.shape_cast"(%21) : (vector<3x1xf32>) -> vector<1x3x1xf32>
      "stable_mosaic.tpu.vector_store"(%t30, %peaks_5, %at0, %at0, %at0) {add = false, operandSegmentSizes = array<i32: 1, 1, 3, 0>, strides = array<i32>} : (vector<1x3x1xf32>, memref<2x3x1xf32, #tpu.memory_space<vmem>>, index, index, index) -> ()
      %t31 = "stable_mosaic.vector.load"(%keys_1, %at0, %at1, %at0, %at0) : (memref<1x2x32x256xbf16, #tpu.memory_space<vmem>>, index, index, index, index) -> vector<1x1x32x256xbf16>
      %37 = "stable_mosaic.vector.shape_cast"(%t31) : (vector<1x1x32x256xbf16>) -> vector<32x256xbf16>
      %t32 = "stable_mosaic.vector.load"(%values_2, %at0, %at1, %at0, %at0) : (memref<1x2x32x256xbf16, #tpu.memory_space<vmem>>, index, index, index, index) -> vector<1x1x32x256xbf16>
      %38 = "stable_mosaic.vector.shape_cast"(%t32) : (vector<1x1x32x256xbf16>) -> vector<32x256xbf16>
      %t33 = "stable_mosaic.vector.load"(%queries_0, %at0, %at1, %at0, %at0) : (memref<1x2x3x32xbf16, #tpu.memory_space<vmem>>, index, index, index, index) -> vector<1x1x3x32xbf16>
      %39 = "stable_mosaic.vector.shape_cast"(%t33) : (vector<1x1x3x32xbf16>) -> vector<3x32xbf16>
      %t34 = "stable_mosaic.arith.constant"() {value = dense<0.0> : vector<3x256xf32>} : () -> vector<3x256xf32>
      %40 = "stable_mosaic.tpu.matmul"(%39, %37, %t34) {dimension_numbers = #tpu.dot_dimension_numbers<[1], [0], [0], [1], [0, 0, 1, 1], [], []>, transpose_lhs = false, transpose_lhs_hint = false, transpose_rhs = false} : (vector<3x32xbf16>, vector<32x256xbf16>, vector<3x256xf32>) -> vector<3x256xf32>
      %41 = "stable_mosaic.arith.constant"() {value = dense<1.7677669e-1> : vector<3x256xf32>} : () -> vector<3x256xf32>
      %42 = "stable_mosaic.arith.mulf"(%40, %41) {fastmath = #arith.fastmath<none>} : (vector<3x256xf32>, vector<3x256xf32>) -> vector<3x256xf32>
      %43 = "stable_mosaic.arith.constant"() {value = dense<0xFF800000> : vector<3x256xf32>} : () -> vector<3x256xf32>
      %44 = "stable_mosaic.arith.select"(%10, %42, %43) : (vector<3x256xi1>, vector<3x256xf32>, vector<3x256xf32>) -> vector<3x256xf32>
      %t35 = "stable_mosaic.vector.load"(%peaks_5, %at1, %at0, %at0) : (memref<2x3x1xf32, #tpu.memory_space<vmem>>, index, index, index) -> vector<1x3x1xf32>
      %45 = "stable_mosaic.vector.shape_cast"(%t35) : (vector<1x3x1xf32>) -> vector<3x1xf32>
      %t36 = "stable_mosaic.arith.constant"() {value = dense<0xFF800000> : vector<3xf32>} : () -> vector<3xf32>
      %t37 = "stable_mosaic.vector.multi_reduction"(%44, %t36) {kind = #vector.kind<maximumf>, reduction_dims = array<i64: 1>} : (vector<3x256xf32>, vector<3xf32>) -> vector<3xf32>
      %46 = "stable_mosaic.vector.shape_cast"(%t37) : (vector<3xf32>) -> vector<3x1xf32>
      %47 = "stable_mosaic.arith.maximumf"(%45, %46) {fastmath = #arith.fastmath<none>} : (vector<3x1xf32>, vector<3x1xf32>) -> vector<3x1xf32>
      %48 = "stable_mosaic.vector.broadcast"(%47) : (vector<3x1xf32>) -> vector<3x256xf32>
      %49 = "stable_mosaic.arith.subf"(%44, %48) {fastmath = #arith.fastmath<none>} : (vector<3x256xf32>, vector<3x256xf32>) -> vector<3x256xf32>
      %50 = "stable_mosaic.math.exp"(%49) {fastmath = #arith.fastmath<none>} : (vector<3x256xf32>) -> vector<3x256xf32>
      %51 = "stable_mosaic.arith.subf"(%45, %47) {fastmath = #arith.fastmath<none>} : (vector<3x1xf32>, vector<3x1xf32>) -> vector<3x1xf32>
      %52 = "stable_mosaic.math.exp"(%51) {fastmath = #arith.fastmath<none>} : (vector<3x1xf32>) -> vector<3x1xf32>
      %t38 = "stable_mosaic.vector.load"(%totals_6, %at1, %at0, %at0) : (memref<2x3x1xf32, #tpu.memory_space<vmem>>, index, index, index) -> vector<1x3x1xf32>
      %53 = "stable_mosaic.vector.shape_cast"(%t38) : (vector<1x3x1xf32>) -> vector<3x1xf32>
      %54 = "stable_mosaic.arith.mulf"(%53, %52) {fastmath = #arith.fastmath<none>} : (vector<3x1xf32>, vector<3x1xf32>) -> vector<3x1xf32>
      %t39 = "stable_mosaic.arith.constant"() {value = dense<0.0> : vector<3xf32>} : () -> vector<3xf32>
      %t40 = "stable_mosaic.vector.multi_reduction"(%50, %t39) {kind = #vector.kind<add>, reduction_dims = array<i64: 1>} : (vector<3x256xf32>, vector<3xf32>) -> vector<3xf32>
      %55 = "stable_mosaic.vector.shape_cast"(%t40) : (vector<3xf32>) -> vector<3x1xf32>
      %56 = "stable_mosaic.arith.addf"(%54, %55) {fastmath = #arith.fastmath<none>} : (vector<3x1xf32>, vector<3x1xf32>) -> vector<3x1xf32>
      %57 = "stable_mosaic.arith.truncf"(%50) : (vector<3x256xf32>) -> vector<3x256xbf16>
      %t41 = "stable_mosaic.arith.constant"() {value = dense<0.0> : vector<3x32xf32>} : () -> vector<3x32xf32>
      %58 = "stable_mosaic.tpu.matmul"(%57, %38, %t41) {dimension_numbers = #tpu.dot_dimension_numbers<[1], [1], [0], [0], [0, 0, 1, 0], [], []>, transpose_lhs = false, transpose_lhs_hint = false, transpose_rhs = false} : (vector<3x256xbf16>, vector<32x256xbf16>, vector<3x32xf32>) -> vector<3x32xf32>
      %t42 = "stable_mosaic.vector.load"(%y_4, %at0, %at1, %at0, %at0) : (memref<1x2x3x32xf32, #tpu.memory_space<vmem>>, index, index, index, index) -> vector<1x1x3x32xf32>
      %59 = "stable_mosaic.vector.shape_cast"(%t42) : (vector<1x1x3x32xf32>) -> vector<3x32xf32>
      %60 = "stable_mosaic.vector.broadcast"(%52) : (vector<3x1xf32>) -> vector<3x32xf32>
      %61 = "stable_mosaic.arith.mulf"(%59, %60) {fastmath = #arith.fastmath<none>} : (vector<3x32xf32>, vector<3x32xf32>) -> vector<3x32xf32>
      %62 = "stable_mosaic.arith.addf"(%61, %58) {fastmath = #arith.fastmath<none>} : (vector<3x32xf32>, vector<3x32xf32>) -> vector<3x32xf32>
      %t43 = "stable_mosaic.vector.shape_cast"(%62) : (vector<3x32xf32>) -> vector<1x1x3x32xf32>
      "stable_mosaic.tpu.vector_store"(%t43, %y_4, %at0, %at1, %at0, %at0) {add = false, operandSegmentSizes = array<i32: 1, 1, 4, 0>, strides = array<i32>} : (vector<1x1x3x32xf32>, memref<1x2x3x32xf32, #tpu.memory_space<vmem>>, index, index, index, index) -> ()
      %t44 = "stable_mosaic.vector.shape_cast"(%56) : (vector<3x1xf32>) -> vector<1x3x1xf32>
      "stable_mosaic.tpu.vector_store"(%t44, %totals_6, %at1, %at0, %at0) {add = false, operandSegmentSizes = array<i32: 1, 1, 3, 0>, strides = array<i32>} : (vector<1x3x1xf32>, memref<2x3x1xf32, #tpu.memory_space<vmem>>, index, index, index) -> ()
      %t45 = "stable_mosaic.vector.shape_cast"(%47) : (vector<3x1xf32>) -> vector<1x3x1xf32>
      "stable_mosaic.tpu.vector_store"(%t45, %peaks_5, %at1, %at0, %at0) {add = false, operandSegmentSizes = array<i32: 1, 1, 3, 0>, strides = array<i32>} : (vector<1x3x1xf32>, memref<2x3x1xf32, #tpu.memory_space<vmem>>, index, index, index) -> ()
      "stable_mosaic.scf.yield"() : () -> ()
    }, {
    }) : (i1) -> ()
    %t46 = "stable_mosaic.arith.cmpi"(%place1, %n0) {predicate = 0 : i64} : (i32, i32) -> i1
    "stable_mosaic.scf.if"(%t46) ({
      %t47 = "stable_mosaic.vector.load"(%totals_6, %at0, %at0, %at0) : (memref<2x3x1xf32, #tpu.memory_space<vmem>>, index, index, index) -> vector<1x3x1xf32>
      %63 = "stable_mosaic.vector.shape_cast"(%t47) : (vector<1x3x1xf32>) -> vector<3x1xf32>
      %64 = "stable_mosaic.vector.broadcast"(%63) : (vector<3x1xf32>) -> vector<3x32xf32>
      %t48 = "stable_mosaic.vector.load"(%y_4, %at0, %at0, %at0, %at0) : (memref<1x2x3x32xf32, #tpu.memory_space<vmem>>, index, index, index, index) -> vector<1x1x3x32xf32>
      %65 = "stable_mosaic.vector.shape_cast"(%t48) : (vector<1x1x3x32xf32>) -> vector<3x32xf32>
      %66 = "stable_mosaic.arith.divf"(%65, %64) {fastmath = #arith.fastmath<none>} : (vector<3x32xf32>, vector<3x32xf32>) -> vector<3x32xf32>
      %t49 = "stable_mosaic.vector.shape_cast"(%66) : (vector<3x32xf32>) -> vector<1x1x3x32xf32>
      "stable_mosaic.tpu.vector_store"(%t49, %y_4, %at0, %at0, %at0, %at0) {add = false, operandSegmentSizes = array<i32: 1, 1, 4, 0>, strides = array<i32>} : (vector<1x1x3x32xf32>, memref<1x2x3x32xf32, #tpu.memory_space<vmem>>, index, index, index, index) -> ()
      %t50 = "stable_mosaic.vector.load"(%totals_6, %at1, %at0, %at0) : (memref<2x3x1xf32, #tpu.memory_space<vmem>>, index, index, index) -> vector<1x3x1xf32>
      %67 = "stable_mosaic.vector.shape_cast"(%t50) : (vector<1x3x1xf32>) -> vector<3x1xf32>
      %68 = "stable_mosaic.vector.broadcast"(%67) : (vector<3x1xf32>) -> vector<3x32xf32>
      %t51 = "stable_mosaic.vector.load"(%y_4, %at0, %at1, %at0, %at0) : (memref<1x2x3x32xf32, #tpu.memory_space<vmem>>, index, index, index, index) -> vector<1x1x3x32xf32>
      %69 = "stable_mosaic.vector.shape_cast"(%t51) : (vector<1x1x3x32xf32>) -> vector<3x32xf32>
      %70 = "stable_mosaic.arith.divf"(%69, %68) {fastmath = #arith.fastmath<none>} : (vector<3x32xf32>, vector<3x32xf32>) -> vector<3x32xf32>
      %t52 = "stable_mosaic.vector.shape_cast"(%70) : (vector<3x32xf32>) -> vector<1x1x3x32xf32>
      "stable_mosaic.tpu.vector_store"(%t52, %y_4, %at0, %at1, %at0, %at0) {add = false, operandSegmentSizes = array<i32: 1, 1, 4, 0>, strides = array<i32>} : (vector<1x1x3x32xf32>, memref<1x2x3x32xf32, #tpu.memory_space<vmem>>, index, index, index, index) -> ()
      "stable_mosaic.scf.yield"() : () -> ()
    }, {
    }) : (i1) -> ()
    "stable_mosaic.func.return"() : () -> ()
  }) {sym_name = "decode_attention", function_type = (i32, i32, memref<1xi32, #tpu.memory_space<smem>>, memref<1x2x3x32xbf16, #tpu.memory_space<vmem>>, memref<1x2x32x256xbf16, #tpu.memory_space<vmem>>, memref<1x2x32x256xbf16, #tpu.memory_space<vmem>>, memref<2x3x1xf32, #tpu.memory_space<vmem>>, memref<1x2x3x32xf32, #tpu.memory_space<vmem>>, memref<2x3x1xf32, #tpu.memory_space<vmem>>, memref<2x3x1xf32, #tpu.memory_space<vmem>>) -> (),
      iteration_bounds = array<i64: 1, 1>, dimension_semantics = [#tpu.dimension_semantics<arbitrary>, #tpu.dimension_semantics<arbitrary>],
      scalar_prefetch = 1 : i64, scratch_operands = 2 : i64, tpu.core_type = #tpu.core_type<tc>,
      window_params = [{transform_indices = @transform_0, window_bounds = array<i64: 1, 2, 3, 32>},
        {transform_indices = @transform_1, window_bounds = array<i64: 1, 2, 32, 256>},
        {transform_indices = @transform_2, window_bounds = array<i64: 1, 2, 32, 256>},
        {transform_indices = @transform_3, window_bounds = array<i64: 2, 3, 1>},
        {transform_indices = @transform_4, window_bounds = array<i64: 1, 2, 3, 32>}]} : () -> ()
  "stable_mosaic.func.func"() ({
  ^bb0(%place0: i32, %place1: i32, %numbers0: memref<1xi32, #tpu.memory_space<smem>>):
    %n0 = "stable_mosaic.arith.constant"() {value = 0 : i32} : () -> i32
    "stable_mosaic.func.return"(%place0, %n0, %n0, %n0) : (i32, i32, i32, i32) -> ()
  }) {sym_name = "transform_0", function_type = (i32, i32, memref<1xi32, #tpu.memory_space<smem>>) -> (i32, i32, i32, i32)} : () -> ()
  "stable_mosaic.func.func"() ({
  ^bb0(%place0: i32, %place1: i32, %numbers0: memref<1xi32, #tpu.memory_space<smem>>):
    %n0 = "stable_mosaic.arith.constant"() {value = 0 : i32} : () -> i32
    %n8 = "stable_mosaic.arith.constant"() {value = 8 : i32} : () -> i32
    %t0 = "stable_mosaic.arith.index_cast"(%place0) : (i32) -> index
    %t1 = "stable_mosaic.memref.load"(%numbers0, %t0) : (memref<1xi32, #tpu.memory_space<smem>>, index) -> i32
    %t2 = "stable_mosaic.arith.shrsi"(%t1, %n8) : (i32, i32) -> i32
    %t3 = "stable_mosaic.arith.minsi"(%place1, %t2) : (i32, i32) -> i32
    "stable_mosaic.func.return"(%place0, %n0, %n0, %t3) : (i32, i32, i32, i32) -> ()
  }) {sym_name = "transform_1", function_type = (i32, i32, memref<1xi32, #tpu.memory_space<smem>>) -> (i32, i32, i32, i32)} : () -> ()
  "stable_mosaic.func.func"() ({
  ^bb0(%place0: i32, %place1: i32, %numbers0: memref<1xi32, #tpu.memory_space<smem>>):
    %n0 = "stable_mosaic.arith.constant"() {value = 0 : i32} : () -> i32
    %n8 = "stable_mosaic.arith.constant"() {value = 8 : i32} : () -> i32
    %t0 = "stable_mosaic.arith.index_cast"(%place0) : (i32) -> index
    %t1 = "stable_mosaic.memref.load"(%numbers0, %t0) : (memref<1xi32, #tpu.memory_space<smem>>, index) -> i32
    %t2 = "stable_mosaic.arith.shrsi"(%t1, %n8) : (i32, i32) -> i32
    %t3 = "stable_mosaic.arith.minsi"(%place1, %t2) : (i32, i32) -> i32
    "stable_mosaic.func.return"(%place0, %n0, %n0, %t3) : (i32, i32, i32, i32) -> ()
  }) {sym_name = "transform_2", function_type = (i32, i32, memref<1xi32, #tpu.memory_space<smem>>) -> (i32, i32, i32, i32)} : () -> ()
  "stable_mosaic.func.func"() ({
  ^bb0(%place0: i32, %place1: i32, %numbers0: memref<1xi32, #tpu.memory_space<smem>>):
    %n0 = "stable_mosaic.arith.constant"() {value = 0 : i32} : () -> i32
    "stable_mosaic.func.return"(%n0, %n0, %n0) : (i32, i32, i32) -> ()
  }) {sym_name = "transform_3", function_type = (i32, i32, memref<1xi32, #tpu.memory_space<smem>>) -> (i32, i32, i32)} : () -> ()
  "stable_mosaic.func.func"() ({
  ^bb0(%place0: i32, %place1: i32, %numbers0: memref<1xi32, #tpu.memory_space<smem>>):
    %n0 = "stable_mosaic.arith.constant"() {value = 0 : i32} : () -> i32
    "stable_mosaic.func.return"(%place0, %n0, %n0, %n0) : (i32, i32, i32, i32) -> ()
  }) {sym_name = "transform_4", function_type = (i32, i32, memref<1xi32, #tpu.memory_space<smem>>) -> (i32, i32, i32, i32)} : () -> ()
}
