;; The gear hash of FastCDC over bytes in this memory: where is the first one whose hash is below a limit.
;;
;; A hash depends on the last 32 bytes only, so stretches can be hashed apart: four at a time, whose chains of additions
;; the processor runs side by side. A hit among them is rare; the first one is then looked for byte by byte.
;;
;; Memory, in bytes (cut-kernel.ts fills it and knows the same figures):
;;      0  256 words of the gear table, little-endian
;;   1024  the bytes
(module
  (import "kernel" "memory" (memory 1))

  ;; The hash after the `count` bytes before `position`.
  (func $hash_before (param $position i32) (param $count i32) (result i32)
    (local $hash i32) (local $at i32)
    (local.set $at (i32.sub (local.get $position) (local.get $count)))
    (block $done
      (loop $each
        (br_if $done (i32.ge_u (local.get $at) (local.get $position)))
        (local.set $hash (i32.add
          (i32.shl (local.get $hash) (i32.const 1))
          (i32.load (i32.shl (i32.load8_u (local.get $at)) (i32.const 2)))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $each)))
    (local.get $hash))

  ;; The position after the first byte in from .. to-1 whose hash is below `limit`, unsigned; 0 when there is none.
  ;; At least 31 bytes stand before `from`.
  (func (export "find") (param $from i32) (param $to i32) (param $limit i32) (result i32)
    (local $position i32) (local $end i32)
    (local $before i32) (local $hash0 i32) (local $hash1 i32) (local $hash2 i32) (local $hash3 i32)
    (local.set $position (local.get $from))
    (local.set $before (call $hash_before (local.get $from) (i32.const 31)))

    (block $hit_or_rest
      (loop $each_4096
        (br_if $hit_or_rest (i32.lt_u (i32.sub (local.get $to) (local.get $position)) (i32.const 4096)))
        (local.set $hash0 (local.get $before))
        (local.set $hash1 (call $hash_before (i32.add (local.get $position) (i32.const 1024)) (i32.const 32)))
        (local.set $hash2 (call $hash_before (i32.add (local.get $position) (i32.const 2048)) (i32.const 32)))
        (local.set $hash3 (call $hash_before (i32.add (local.get $position) (i32.const 3072)) (i32.const 32)))
        (local.set $end (i32.add (local.get $position) (i32.const 1024)))
        (loop $each
          (local.set $hash0 (i32.add
            (i32.shl (local.get $hash0) (i32.const 1))
            (i32.load (i32.shl (i32.load8_u (local.get $position)) (i32.const 2)))))
          (local.set $hash1 (i32.add
            (i32.shl (local.get $hash1) (i32.const 1))
            (i32.load (i32.shl (i32.load8_u offset=1024 (local.get $position)) (i32.const 2)))))
          (local.set $hash2 (i32.add
            (i32.shl (local.get $hash2) (i32.const 1))
            (i32.load (i32.shl (i32.load8_u offset=2048 (local.get $position)) (i32.const 2)))))
          (local.set $hash3 (i32.add
            (i32.shl (local.get $hash3) (i32.const 1))
            (i32.load (i32.shl (i32.load8_u offset=3072 (local.get $position)) (i32.const 2)))))
          (if (i32.or
              (i32.or
                (i32.lt_u (local.get $hash0) (local.get $limit))
                (i32.lt_u (local.get $hash1) (local.get $limit)))
              (i32.or
                (i32.lt_u (local.get $hash2) (local.get $limit))
                (i32.lt_u (local.get $hash3) (local.get $limit))))
            (then
              ;; Back to where these 4096 began: `before` is the hash there.
              (local.set $position (i32.sub (local.get $end) (i32.const 1024)))
              (br $hit_or_rest)))
          (local.set $position (i32.add (local.get $position) (i32.const 1)))
          (br_if $each (i32.lt_u (local.get $position) (local.get $end))))
        (local.set $position (i32.add (local.get $position) (i32.const 3072)))
        (local.set $before (local.get $hash3))
        (br $each_4096)))

    (block $none
      (loop $each
        (br_if $none (i32.ge_u (local.get $position) (local.get $to)))
        (local.set $before (i32.add
          (i32.shl (local.get $before) (i32.const 1))
          (i32.load (i32.shl (i32.load8_u (local.get $position)) (i32.const 2)))))
        (local.set $position (i32.add (local.get $position) (i32.const 1)))
        (br_if $each (i32.ge_u (local.get $before) (local.get $limit)))
        (return (local.get $position))))
    (i32.const 0)))
