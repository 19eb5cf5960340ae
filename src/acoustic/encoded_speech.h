// The memory behind EncodedSpeech: pages (nn/kv_page.h) of the cross-attention's keys and values. Private to
// src/acoustic.
#pragma once

#include <vector>

#include "acoustic/encoder_decoder.h"
#include "nn/kv_page.h"
#include "nn/weight_matrix.h"

namespace sotto {

inline KvPageLayout SpeechPageLayout(const SpeechModel& model) {
  return {.type = model.options().exact ? DType::kF32 : DType::kBF16,
          .n_kv_heads = model.config().n_heads,
          .head_dim = model.config().head_dim};
}

struct EncodedSpeech::Pages {
  KvPageLayout layout;
  size_t n_pages = 0;  // a layer
  AlignedBuffer memory;
  std::vector<const void*> pointers;  // [n_decoder_layers][n_pages]

  std::span<const void* const> OfLayer(size_t layer) const {
    return std::span(pointers).subspan(layer * n_pages, n_pages);
  }
};

}  // namespace sotto
