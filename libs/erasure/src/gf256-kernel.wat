;; Two linear combinations over GF(2^8) at once: the inner loop of Reed-Solomon coding and rebuilding.
;;
;; A product by a fixed coefficient c is linear over the bits of x, so c*x = c*(x and 15) + c*(x and 240): two tables of
;; 16 entries, each one i8x16.swizzle for 16 bytes (J. Plank, K. Greenan, E. Miller, "Screaming Fast Galois Field
;; Arithmetic Using Intel SIMD Instructions", FAST 2013). Addition is xor.
;;
;; Two outputs of 32 bytes stay in registers while all inputs go by: every input byte is loaded and split once for two
;; outputs, and every output byte is stored once. Wider blocks run out of the 15 vector registers that x86-64 leaves.
;;
;; Memory, in bytes (gf256-kernel.ts fills it and knows the same figures):
;;      0  256 product tables of 32 bytes: c*0 .. c*15, then c*0 .. c*240 in steps of 16
;;   8192  coefficients: for each input a pair of bytes, one for each output
;;   8704  tiles of the inputs, then of the two outputs, `stride` bytes apart
(module
  (memory (export "memory") 5 5)

  ;; out0[p] = sum of coefficient[2j]   * in_j[p], and
  ;; out1[p] = sum of coefficient[2j+1] * in_j[p], for j = 0 .. inputs-1 and p = 0 .. bytes-1, rounded up to whole 32.
  ;; inputs and bytes are at least 1; out1 stands `stride` after out0.
  (func (export "combine")
    (param $inputs i32) (param $in i32) (param $out i32) (param $stride i32) (param $bytes i32)
    (local $position i32) (local $left i32) (local $source i32) (local $coefficient i32) (local $table i32)
    (local $low_a v128) (local $high_a v128) (local $low_b v128) (local $high_b v128)
    (local $low_table v128) (local $high_table v128)
    (local $sum0_a v128) (local $sum0_b v128) (local $sum1_a v128) (local $sum1_b v128)

    (loop $each_32_bytes
      (local.set $sum0_a (v128.const i64x2 0 0))
      (local.set $sum0_b (v128.const i64x2 0 0))
      (local.set $sum1_a (v128.const i64x2 0 0))
      (local.set $sum1_b (v128.const i64x2 0 0))
      (local.set $coefficient (i32.const 8192))
      (local.set $source (i32.add (local.get $in) (local.get $position)))
      (local.set $left (local.get $inputs))

      (loop $each_input
        ;; Split 32 bytes into low and high nibbles.
        (local.set $high_a (v128.load (local.get $source)))
        (local.set $high_b (v128.load offset=16 (local.get $source)))
        (local.set $low_a (v128.and (local.get $high_a) (v128.const i64x2 0x0f0f0f0f0f0f0f0f 0x0f0f0f0f0f0f0f0f)))
        (local.set $low_b (v128.and (local.get $high_b) (v128.const i64x2 0x0f0f0f0f0f0f0f0f 0x0f0f0f0f0f0f0f0f)))
        (local.set $high_a (i8x16.shr_u (local.get $high_a) (i32.const 4)))
        (local.set $high_b (i8x16.shr_u (local.get $high_b) (i32.const 4)))

        ;; Add the product by the first coefficient to the first output.
        (local.set $table (i32.shl (i32.load8_u (local.get $coefficient)) (i32.const 5)))
        (local.set $low_table (v128.load (local.get $table)))
        (local.set $high_table (v128.load offset=16 (local.get $table)))
        (local.set $sum0_a (v128.xor (local.get $sum0_a) (v128.xor
          (i8x16.swizzle (local.get $low_table) (local.get $low_a))
          (i8x16.swizzle (local.get $high_table) (local.get $high_a)))))
        (local.set $sum0_b (v128.xor (local.get $sum0_b) (v128.xor
          (i8x16.swizzle (local.get $low_table) (local.get $low_b))
          (i8x16.swizzle (local.get $high_table) (local.get $high_b)))))

        ;; Add the product by the second coefficient to the second output.
        (local.set $table (i32.shl (i32.load8_u offset=1 (local.get $coefficient)) (i32.const 5)))
        (local.set $low_table (v128.load (local.get $table)))
        (local.set $high_table (v128.load offset=16 (local.get $table)))
        (local.set $sum1_a (v128.xor (local.get $sum1_a) (v128.xor
          (i8x16.swizzle (local.get $low_table) (local.get $low_a))
          (i8x16.swizzle (local.get $high_table) (local.get $high_a)))))
        (local.set $sum1_b (v128.xor (local.get $sum1_b) (v128.xor
          (i8x16.swizzle (local.get $low_table) (local.get $low_b))
          (i8x16.swizzle (local.get $high_table) (local.get $high_b)))))

        (local.set $coefficient (i32.add (local.get $coefficient) (i32.const 2)))
        (local.set $source (i32.add (local.get $source) (local.get $stride)))
        (br_if $each_input (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))

      (local.set $source (i32.add (local.get $out) (local.get $position)))
      (v128.store (local.get $source) (local.get $sum0_a))
      (v128.store offset=16 (local.get $source) (local.get $sum0_b))
      (local.set $source (i32.add (local.get $source) (local.get $stride)))
      (v128.store (local.get $source) (local.get $sum1_a))
      (v128.store offset=16 (local.get $source) (local.get $sum1_b))
      (local.set $position (i32.add (local.get $position) (i32.const 32)))
      (br_if $each_32_bytes (i32.lt_u (local.get $position) (local.get $bytes))))))
