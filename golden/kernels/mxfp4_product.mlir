module attributes {stable_mosaic.version = 15 : i64} {
  "stable_mosaic.func.func"() ({
  ^bb0(%place0: i32,
       %place1: i32,
       %numbers0: memref<2xi32, #tpu.memory_space<smem>>,
       %x_0: memref<1x1x1x128xbf16, #tpu.memory_space<vmem>>,
       %codes_1: memref<1x1x4x32x256xf4E2M1FN, #tpu.memory_space<vmem>>,
       %scales0_2: memref<1x16x256xbf16, #tpu.memory_space<vmem>>,
       %scales1_3: memref<1x16x256xbf16, #tpu.memory_space<vmem>>,
       %y_4: memref<1x1x256xf32, #tpu.memory_space<vmem>>,
       %factors_5: memref<32x256xf32, #tpu.memory_space<vmem>>,
       %unpacked_6: memref<128x256xbf16, #tpu.memory_space<vmem>>):
    %n0 = "stable_mosaic.arith.constant"() {value = 0 : i32} : () -> i32
    %at0 = "stable_mosaic.arith.constant"() {value = 0 : index} : () -> index
    %at16 = "stable_mosaic.arith.constant"() {value = 16 : index} : () -> index
    %n4 = "stable_mosaic.arith.constant"() {value = 4 : i32} : () -> i32
    %n15 = "stable_mosaic.arith.constant"() {value = 15 : i32} : () -> i32
    %n1 = "stable_mosaic.arith.constant"() {value = 1 : i32} : () -> i32
    %at2 = "stable_mosaic.arith.constant"() {value = 2 : index} : () -> index
    %n2 = "stable_mosaic.arith.constant"() {value = 2 : i32} : () -> i32
    %n3 = "stable_mosaic.arith.constant"() {value = 3 : i32} : () -> i32
    %at64 = "stable_mosaic.arith.constant"() {value = 64 : index} : () -> index
    %t0 = "stable_mosaic.arith.cmpi"(%place1, %n0) {predicate = 0 : i64} : (i32, i32) -> i1
    "stable_mosaic.scf.if"(%t0) ({
      %t1 = "stable_mosaic.vector.load"(%scales0_2, %at0, %at0, %at0) : (memref<1x16x256xbf16, #tpu.memory_space<vmem>>, index, index, index) -> vector<1x16x256xbf16>
      %0 = "stable_mosaic.vector.shape_cast"(%t1) : (vector<1x16x256xbf16>) -> vector<16x256xbf16>
      %1 = "stable_mosaic.arith.extf"(%0) : (vector<16x256xbf16>) -> vector<16x256xf32>
      %2 = "stable_mosaic.arith.constant"() {value = dense<1.6384e4> : vector<16x256xf32>} : () -> vector<16x256xf32>
      %3 = "stable_mosaic.arith.mulf"(%1, %2) {fastmath = #arith.fastmath<none>} : (vector<16x256xf32>, vector<16x256xf32>) -> vector<16x256xf32>
      "stable_mosaic.tpu.vector_store"(%3, %factors_5, %at0, %at0) {add = false, operandSegmentSizes = array<i32: 1, 1, 2, 0>, strides = array<i32>} : (vector<16x256xf32>, memref<32x256xf32, #tpu.memory_space<vmem>>, index, index) -> ()
      %t2 = "stable_mosaic.vector.load"(%scales1_3, %at0, %at0, %at0) : (memref<1x16x256xbf16, #tpu.memory_space<vmem>>, index, index, index) -> vector<1x16x256xbf16>
      %4 = "stable_mosaic.vector.shape_cast"(%t2) : (vector<1x16x256xbf16>) -> vector<16x256xbf16>
      %5 = "stable_mosaic.arith.extf"(%4) : (vector<16x256xbf16>) -> vector<16x256xf32>
      %6 = "stable_mosaic.arith.constant"() {value = dense<1.6384e4> : vector<16x256xf32>} : () -> vector<16x256xf32>
      %7 = "stable_mosaic.arith.mulf"(%5, %6) {fastmath = #arith.fastmath<none>} : (vector<16x256xf32>, vector<16x256xf32>) -> vector<16x256xf32>
      "stable_mosaic.tpu.vector_store"(%7, %factors_5, %at16, %at0) {add = false, operandSegmentSizes = array<i32: 1, 1, 2, 0>, strides = array<i32>} : (vector<16x256xf32>, memref<32x256xf32, #tpu.memory_space<vmem>>, index, index) -> ()
      %8 = "stable_mosaic.arith.constant"() {value = dense<0.0> : vector<1x256xf32>} : () -> vector<1x256xf32>
      %t3 = "stable_mosaic.vector.shape_cast"(%8) : (vector<1x256xf32>) -> vector<1x1x256xf32>
      "stable_mosaic.tpu.vector_store"(%t3, %y_4, %at0, %at0, %at0) {add = false, operandSegmentSizes = array<i32: 1, 1, 3, 0>, strides = array<i32>} : (vector<1x1x256xf32>, memref<1x1x256xf32, #tpu.memory_space<vmem>>, index, index, index) -> ()
      "stable_mosaic.scf.yield"() : () -> ()
    }, {
    }) : (i1) -> ()
    %t4 = "stable_mosaic.vector.load"(%codes_1, %at0, %at0, %at0, %at0, %at0) : (memref<1x1x4x32x256xf4E2M1FN, #tpu.memory_space<vmem>>, index, index, index, index, index) -> vector<1x1x2x32x256xf4E2M1FN>
    %9 = "stable_mosaic.vector.shape_cast"(%t4) : (vector<1x1x2x32x256xf4E2M1FN>) -> vector<2x32x256xf4E2M1FN>
    %10 = "stable_mosaic.vector.shape_cast"(%9) : (vector<2x32x256xf4E2M1FN>) -> vector<64x256xf4E2M1FN>
    %t5 = "stable_mosaic.tpu.bitcast"(%10) : (vector<64x256xf4E2M1FN>) -> vector<64x256xi4>
    %11 = "stable_mosaic.arith.extsi"(%t5) : (vector<64x256xi4>) -> vector<64x256xi8>
    %12 = "stable_mosaic.tpu.bitcast"(%11) : (vector<64x256xi8>) -> vector<16x256xi32>
    %13 = "stable_mosaic.arith.constant"() {value = dense<-2139062144> : vector<16x256xi32>} : () -> vector<16x256xi32>
    %14 = "stable_mosaic.arith.constant"() {value = dense<117901063> : vector<16x256xi32>} : () -> vector<16x256xi32>
    %15 = "stable_mosaic.arith.andi"(%12, %13) : (vector<16x256xi32>, vector<16x256xi32>) -> vector<16x256xi32>
    %16 = "stable_mosaic.arith.andi"(%12, %14) : (vector<16x256xi32>, vector<16x256xi32>) -> vector<16x256xi32>
    %17 = "stable_mosaic.arith.constant"() {value = dense<1> : vector<16x256xi32>} : () -> vector<16x256xi32>
    %18 = "stable_mosaic.arith.shli"(%16, %17) {overflowFlags = #arith.overflow<none>} : (vector<16x256xi32>, vector<16x256xi32>) -> vector<16x256xi32>
    %19 = "stable_mosaic.arith.ori"(%15, %18) : (vector<16x256xi32>, vector<16x256xi32>) -> vector<16x256xi32>
    %20 = "stable_mosaic.tpu.bitcast"(%19) : (vector<16x256xi32>) -> vector<64x256xf8E5M2>
    %21 = "stable_mosaic.arith.extf"(%20) : (vector<64x256xf8E5M2>) -> vector<64x256xf32>
    %t6 = "stable_mosaic.arith.index_cast"(%place0) : (i32) -> index
    %t7 = "stable_mosaic.memref.load"(%numbers0, %t6) : (memref<2xi32, #tpu.memory_space<smem>>, index) -> i32
    %t8 = "stable_mosaic.arith.muli"(%t7, %n4) {overflowFlags = #arith.overflow<none>} : (i32, i32) -> i32
    %t9 = "stable_mosaic.arith.andi"(%t8, %n15) : (i32, i32) -> i32
    %t10 = "stable_mosaic.arith.muli"(%place1, %n4) {overflowFlags = #arith.overflow<none>} : (i32, i32) -> i32
    %t11 = "stable_mosaic.arith.addi"(%t9, %t10) {overflowFlags = #arith.overflow<none>} : (i32, i32) -> i32
    %t12 = "stable_mosaic.arith.index_cast"(%t11) : (i32) -> index
    %22 = "stable_mosaic.vector.load"(%factors_5, %t12, %at0) : (memref<32x256xf32, #tpu.memory_space<vmem>>, index, index) -> vector<1x256xf32>
    %23 = "stable_mosaic.vector.broadcast"(%22) : (vector<1x256xf32>) -> vector<32x256xf32>
    %t13 = "stable_mosaic.arith.index_cast"(%place0) : (i32) -> index
    %t14 = "stable_mosaic.memref.load"(%numbers0, %t13) : (memref<2xi32, #tpu.memory_space<smem>>, index) -> i32
    %t15 = "stable_mosaic.arith.muli"(%t14, %n4) {overflowFlags = #arith.overflow<none>} : (i32, i32) -> i32
    %t16 = "stable_mosaic.arith.andi"(%t15, %n15) : (i32, i32) -> i32
    %t17 = "stable_mosaic.arith.muli"(%place1, %n4) {overflowFlags = #arith.overflow<none>} : (i32, i32) -> i32
    %t18 = "stable_mosaic.arith.addi"(%t16, %t17) {overflowFlags = #arith.overflow<none>} : (i32, i32) -> i32
    %t19 = "stable_mosaic.arith.addi"(%t18, %n1) {overflowFlags = #arith.overflow<none>} : (i32, i32) -> i32
    %t20 = "stable_mosaic.arith.index_cast"(%t19) : (i32) -> index
    %24 = "stable_mosaic.vector.load"(%factors_5, %t20, %at0) : (memref<32x256xf32, #tpu.memory_space<vmem>>, index, index) -> vector<1x256xf32>
    %25 = "stable_mosaic.vector.broadcast"(%24) : (vector<1x256xf32>) -> vector<32x256xf32>
    %26 = "stable_mosaic.tpu.concatenate"(%23, %25) {dimension = 0 : i32} : (vector<32x256xf32>, vector<32x256xf32>) -> vector<64x256xf32>
    %27 = "stable_mosaic.arith.mulf"(%21, %26) {fastmath = #arith.fastmath<none>} : (vector<64x256xf32>, vector<64x256xf32>) -> vector<64x256xf32>
    %28 = "stable_mosaic.arith.truncf"(%27) : (vector<64x256xf32>) -> vector<64x256xbf16>
    "stable_mosaic.tpu.vector_store"(%28, %unpacked_6, %at0, %at0) {add = false, operandSegmentSizes = array<i32: 1, 1, 2, 0>, strides = array<i32>} : (vector<64x256xbf16>, memref<128x256xbf16, #tpu.memory_space<vmem>>, index, index) -> ()
    %t21 = "stable_mosaic.vector.load"(%codes_1, %at0, %at0, %at2, %at0, %at0) : (memref<1x1x4x32x256xf4E2M1FN, #tpu.memory_space<vmem>>, index, index, index, index, index) -> vector<1x1x2x32x256xf4E2M1FN>
    %29 = "stable_mosaic.vector.shape_cast"(%t21) : (vector<1x1x2x32x256xf4E2M1FN>) -> vector<2x32x256xf4E2M1FN>
    %30 = "stable_mosaic.vector.shape_cast"(%29) : (vector<2x32x256xf4E2M1FN>) -> vector<64x256xf4E2M1FN>
    %t22 = "stable_mosaic.tpu.bitcast"(%30) : (vector<64x256xf4E2M1FN>) -> vector<64x256xi4>
    %31 = "stable_mosaic.arith.extsi"(%t22) : (vector<64x256xi4>) -> vector<64x256xi8>
    %32 = "stable_mosaic.tpu.bitcast"(%31) : (vector<64x256xi8>) -> vector<16x256xi32>
    %33 = "stable_mosaic.arith.constant"() {value = dense<-2139062144> : vector<16x256xi32>} : () -> vector<16x256xi32>
    %34 = "stable_mosaic.arith.constant"() {value = dense<117901063> : vector<16x256xi32>} : () -> vector<16x256xi32>
    %35 = "stable_mosaic.arith.andi"(%32, %33) : (vector<16x256xi32>, vector<16x256xi32>) -> vector<16x256xi32>
    %36 = "stable_mosaic.arith.andi"(%32, %34) : (vector<16x256xi32>, vector<16x256xi32>) -> vector<16x256xi32>
    %37 = "stable_mosaic.arith.constant"() {value = dense<1> : vector<16x256xi32>} : () -> vector<16x256xi32>
    %38 = "stable_mosaic.arith.shli"(%36, %37) {overflowFlags = #arith.overflow<none>} : (vector<16x256xi32>, vector<16x256xi32>) -> vector<16x256xi32>
    %39 = "stable_mosaic.arith.ori"(%35, %38) : (vector<16x256xi32>, vector<16x256xi32>) -> vector<16x256xi32>
    %40 = "stable_mosaic.tpu.bitcast"(%39) : (vector<16x256xi32>) -> vector<64x256xf8E5M2>
    %41 = "stable_mosaic.arith.extf"(%40) : (vector<64x256xf8E5M2>) -> vector<64x256xf32>
    %t23 = "stable_mosaic.arith.index_cast"(%place0) : (i32) -> index
    %t24 = "stable_mosaic.memref.load"(%numbers0, %t23) : (memref<2xi32, #tpu.memory_space<smem>>, index) -> i32
    %t25 = "stable_mosaic.arith.muli"(%t24, %n4) {overflowFlags = #arith.overflow<none>} : (i32, i32) -> i32
    %t26 = "stable_mosaic.arith.andi"(%t25, %n15) : (i32, i32) -> i32
    %t27 = "stable_mosaic.arith.muli"(%place1, %n4) {overflowFlags = #arith.overflow<none>} : (i32, i32) -> i32
    %t28 = "stable_mosaic.arith.addi"(%t26, %t27) {overflowFlags = #arith.overflow<none>} : (i32, i32) -> i32
    %t29 = "stable_mosaic.arith.addi"(%t28, %n2) {overflowFlags = #arith.overflow<none>} : (i32, i32) -> i32
    %t30 = "stable_mosaic.arith.index_cast"(%t29) : (i32) -> index
    %42 = "stable_mosaic.vector.load"(%factors_5, %t30, %at0) : (memref<32x256xf32, #tpu.memory_space<vmem>>, index, index) -> vector<1x256xf32>
    %43 = "stable_mosaic.vector.broadcast"(%42) : (vector<1x256xf32>) -> vector<32x256xf32>
    %t31 = "stable_mosaic.arith.index_cast"(%place0) : (i32) -> index
    %t32 = "stable_mosaic.memref.load"(%numbers0, %t31) : (memref<2xi32, #tpu.memory_space<smem>>, index) -> i32
    %t33 = "stable_mosaic.arith.muli"(%t32, %n4) {overflowFlags = #arith.overflow<none>} : (i32, i32) -> i32
    %t34 = "stable_mosaic.arith.andi"(%t33, %n15) : (i32, i32) -> i32
    %t35 = "stable_mosaic.arith.muli"(%place1, %n4) {overflowFlags = #arith.overflow<none>} : (i32, i32) -> i32
    %t36 = "stable_mosaic.arith.addi"(%t34, %t35) {overflowFlags = #arith.overflow<none>} : (i32, i32) -> i32
    %t37 = "stable_mosaic.arith.addi"(%t36, %n3) {overflowFlags = #arith.overflow<none>} : (i32, i32) -> i32
    %t38 = "stable_mosaic.arith.index_cast"(%t37) : (i32) -> index
    %44 = "stable_mosaic.vector.load"(%factors_5, %t38, %at0) : (memref<32x256xf32, #tpu.memory_space<vmem>>, index, index) -> vector<1x256xf32>
    %45 = "stable_mosaic.vector.broadcast"(%44) : (vector<1x256xf32>) -> vector<32x256xf32>
    %46 = "stable_mosaic.tpu.concatenate"(%43, %45) {dimension = 0 : i32} : (vector<32x256xf32>, vector<32x256xf32>) -> vector<64x256xf32>
    %47 = "stable_mosaic.arith.mulf"(%41, %46) {fastmath = #arith.fastmath<none>} : (vector<64x256xf32>, vector<64x256xf32>) -> vector<64x256xf32>
    %48 = "stable_mosaic.arith.truncf"(%47) : (vector<64x256xf32>) -> vector<64x256xbf16>
    "stable_mosaic.tpu.vector_store"(%48, %unpacked_6, %at64, %at0) {add = false, operandSegmentSizes = array<i32: 1, 1, 2, 0>, strides = array<i32>} : (vector<64x256xbf16>, memref<128x256xbf16, #tpu.memory_space<vmem>>, index, index) -> ()
    %t39 = "stable_mosaic.vector.load"(%x_0, %at0, %at0, %at0, %at0) : (memref<1x1x1x128xbf16, #tpu.memory_space<vmem>>, index, index, index, index) -> vector<1x1x1x128xbf16>
    %49 = "stable_mosaic.vector.shape_cast"(%t39) : (vector<1x1x1x128xbf16>) -> vector<1x128xbf16>
    %50 = "stable_mosaic.vector.load"(%unpacked_6, %at0, %at0) : (memref<128x256xbf16, #tpu.memory_space<vmem>>, index, index) -> vector<128x256xbf16>
    %t40 = "stable_mosaic.arith.constant"() {value = dense<0.0> : vector<1x256xf32>} : () -> vector<1x256xf32>
    %51 = "stable_mosaic.tpu.matmul"(%49, %50, %t40) {dimension_numbers = #tpu.dot_dimension_numbers<[1], [0], [0], [1], [0, 0, 1, 1], [], []>, transpose_lhs = false, transpose_lhs_hint = false, transpose_rhs = false} : (vector<1x128xbf16>, vector<128x256xbf16>, vector<1x256xf32>) -> vector<1x256xf32>
    %t41 = "stable_mosaic.vector.load"(%y_4, %at0, %at0, %at0) : (memref<1x1x256xf32, #tpu.memory_space<vmem>>, index, index, index) -> vector<1x1x256xf32>
    %52 = "stable_mosaic.vector.shape_cast"(%t41) : (vector<1x1x256xf32>) -> vector<1x256xf32>
    %53 = "stable_mosaic.arith.addf"(%52, %51) {fastmath = #arith.fastmath<none>} : (vector<1x256xf32>, vector<1x256xf32>) -> vector<1x256xf32>
    %t42 = "stable_mosaic.vector.shape_cast"(%53) : (vector<1x256xf32>) -> vector<1x1x256xf32>
    "stable_mosaic.tpu.vector_store"(%t42, %y_4, %at0, %at0, %at0) {add = false, operandSegmentSizes = array<i32: 1, 1, 3, 0>, strides = array<i32>} : (vector<1x1x256xf32>, memref<1x1x256xf32, #tpu.memory_space<vmem>>, index, index, index) -> ()
    "stable_mosaic.func.return"() : () -> ()
  }) {sym_name = "mxfp4_product", function_type = (i32, i32, memref<2xi32, #tpu.memory_space<smem>>, memref<1x1x1x128xbf16, #tpu.memory_space<vmem>>, memref<1x1x4x32x256xf4E2M1FN, #tpu.memory_space<vmem>>, memref<1x16x256xbf16, #tpu.memory_space<vmem>>, memref<1x16x256xbf16, #tpu.memory_space<vmem>>, memref<1x1x256xf32, #tpu.memory_space<vmem>>, memref<32x256xf32, #tpu.memory_space<vmem>>, memref<128x256xbf16, #tpu.memory_space<vmem>>) -> (),
      iteration_bounds = array<i64: 2, 1>, dimension_semantics = [#tpu.dimension_semantics<arbitrary>, #tpu.dimension_semantics<arbitrary>],
      scalar_prefetch = 1 : i64, scratch_operands = 2 : i64, tpu.core_type = #tpu.core_type<tc>,
      window_params = [{transform_indices = @transform_0, window_bounds = array<i64: 1, 1, 1, 128>},
        {transform_indices = @transform_1, window_bounds = array<i64: 1, 1, 4, 32, 256>},
        {transform_indices = @transform_2, window_bounds = array<i64: 1, 16, 256>},
        {transform_indices = @transform_3, window_bounds = array<i64: 1, 16, 256>},
        {transform_indices = @transform_4, window_bounds = array<i64: 1, 1, 256>}]} : () -> ()
  "stable_mosaic.func.func"() ({
  ^bb0(%place0: i32, %place1: i32, %numbers0: memref<2xi32, #tpu.memory_space<smem>>):
    %n0 = "stable_mosaic.arith.constant"() {value = 0 : i32} : () -> i32
    "stable_mosaic.func.return"(%n0, %place1, %n0, %n0) : (i32, i32, i32, i32) -> ()
  }) {sym_name = "transform_0", function_type = (i32, i32, memref<2xi32, #tpu.memory_space<smem>>) -> (i32, i32, i32, i32)} : () -> ()
  "stable_mosaic.func.func"() ({
  ^bb0(%place0: i32, %place1: i32, %numbers0: memref<2xi32, #tpu.memory_space<smem>>):
    %n0 = "stable_mosaic.arith.constant"() {value = 0 : i32} : () -> i32
    %t0 = "stable_mosaic.arith.index_cast"(%place0) : (i32) -> index
    %t1 = "stable_mosaic.memref.load"(%numbers0, %t0) : (memref<2xi32, #tpu.memory_space<smem>>, index) -> i32
    "stable_mosaic.func.return"(%n0, %t1, %place1, %n0, %n0) : (i32, i32, i32, i32, i32) -> ()
  }) {sym_name = "transform_1", function_type = (i32, i32, memref<2xi32, #tpu.memory_space<smem>>) -> (i32, i32, i32, i32, i32)} : () -> ()
  "stable_mosaic.func.func"() ({
  ^bb0(%place0: i32, %place1: i32, %numbers0: memref<2xi32, #tpu.memory_space<smem>>):
    %n0 = "stable_mosaic.arith.constant"() {value = 0 : i32} : () -> i32
    %n4 = "stable_mosaic.arith.constant"() {value = 4 : i32} : () -> i32
    %n3 = "stable_mosaic.arith.constant"() {value = 3 : i32} : () -> i32
    %t0 = "stable_mosaic.arith.index_cast"(%place0) : (i32) -> index
    %t1 = "stable_mosaic.memref.load"(%numbers0, %t0) : (memref<2xi32, #tpu.memory_space<smem>>, index) -> i32
    %t2 = "stable_mosaic.arith.muli"(%t1, %n4) {overflowFlags = #arith.overflow<none>} : (i32, i32) -> i32
    %t3 = "stable_mosaic.arith.shrsi"(%t2, %n4) : (i32, i32) -> i32
    %t4 = "stable_mosaic.arith.minsi"(%t3, %n3) : (i32, i32) -> i32
    "stable_mosaic.func.return"(%n0, %t4, %n0) : (i32, i32, i32) -> ()
  }) {sym_name = "transform_2", function_type = (i32, i32, memref<2xi32, #tpu.memory_space<smem>>) -> (i32, i32, i32)} : () -> ()
  "stable_mosaic.func.func"() ({
  ^bb0(%place0: i32, %place1: i32, %numbers0: memref<2xi32, #tpu.memory_space<smem>>):
    %n0 = "stable_mosaic.arith.constant"() {value = 0 : i32} : () -> i32
    %n4 = "stable_mosaic.arith.constant"() {value = 4 : i32} : () -> i32
    %n1 = "stable_mosaic.arith.constant"() {value = 1 : i32} : () -> i32
    %n3 = "stable_mosaic.arith.constant"() {value = 3 : i32} : () -> i32
    %t0 = "stable_mosaic.arith.index_cast"(%place0) : (i32) -> index
    %t1 = "stable_mosaic.memref.load"(%numbers0, %t0) : (memref<2xi32, #tpu.memory_space<smem>>, index) -> i32
    %t2 = "stable_mosaic.arith.muli"(%t1, %n4) {overflowFlags = #arith.overflow<none>} : (i32, i32) -> i32
    %t3 = "stable_mosaic.arith.shrsi"(%t2, %n4) : (i32, i32) -> i32
    %t4 = "stable_mosaic.arith.addi"(%t3, %n1) {overflowFlags = #arith.overflow<none>} : (i32, i32) -> i32
    %t5 = "stable_mosaic.arith.minsi"(%t4, %n3) : (i32, i32) -> i32
    "stable_mosaic.func.return"(%n0, %t5, %n0) : (i32, i32, i32) -> ()
  }) {sym_name = "transform_3", function_type = (i32, i32, memref<2xi32, #tpu.memory_space<smem>>) -> (i32, i32, i32)} : () -> ()
  "stable_mosaic.func.func"() ({
  ^bb0(%place0: i32, %place1: i32, %numbers0: memref<2xi32, #tpu.memory_space<smem>>):
    %n0 = "stable_mosaic.arith.constant"() {value = 0 : i32} : () -> i32
    "stable_mosaic.func.return"(%place0, %n0, %n0) : (i32, i32, i32) -> ()
  }) {sym_name = "transform_4", function_type = (i32, i32, memref<2xi32, #tpu.memory_space<smem>>) -> (i32, i32, i32)} : () -> ()
}
