// The table of the functions above, filled in by a kernels_<isa>.cc after it has included its simd_<isa>.h.
#pragma once

#include "nn/attention_kernels.h"
#include "nn/matmul_float_kernels.h"
#include "nn/matmul_kernels.h"
#include "nn/speech_kernels.h"
#include "nn/vector_kernels.h"

namespace sotto {
namespace {

constexpr KernelTable kTable = {
    .offset = OffsetOf,
    .quantize_tokens = QuantizeTokens,
    .matmul_int8 = MatMulInt8,
    .matmul_float = MatMulFloat,
    .attention = AttentionKernel,
    .write_kv = WriteKvHead,
    .rms_norm = RmsNormRow,
    .layer_norm = LayerNormRow,
    .rope = RopeHead,
    .silu_mul = SiluMulRow,
    .gelu_mul = GeluMulRow,
    .softmax = SoftmaxRow,
    .softcap = SoftcapRow,
    .axpy = AxpyRow,
    .scale = ScaleRow,
    .gelu_erf = GeluErfRow,
    .tanh = TanhRow,
    .sigmoid = SigmoidRow,
    .sum = SumRow,
    .square_deviation = SquareDeviationRow,
    .normalise = NormaliseRow,
    .log_sum_exp = LogSumExpRow,
    .gathered_attention = GatheredAttentionHead,
    .read = ReadBytes,
};

}  // namespace
}  // namespace sotto
