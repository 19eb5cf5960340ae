// One token of a Beam's history: the keys and values of every decoder layer, shared by all beams that begin
// with it. Private to src/acoustic.
#pragma once

#include <atomic>
#include <cstring>

#include "acoustic/encoder_decoder.h"
#include "nn/weight_matrix.h"

namespace sotto {

struct Beam::Node {
  // Layer after layer: keys [n_heads][hd], values [n_heads][hd] (nn/compute.h: GatheredSequence); the padding
  // zero.
  explicit Node(size_t n_floats) : memory(n_floats * sizeof(float)) {
    std::memset(memory.data(), 0, n_floats * sizeof(float));
  }

  float* data() { return reinterpret_cast<float*>(memory.data()); }

  // Takes back one reference, and those of the ancestors that nobody else holds.
  static void Release(Node* node) {
    while (node != nullptr && node->references.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      Node* parent = node->parent;
      delete node;
      node = parent;
    }
  }
  static Node* Share(Node* node) {
    if (node != nullptr) node->references.fetch_add(1, std::memory_order_relaxed);
    return node;
  }

  std::atomic<int> references{1};
  Node* parent = nullptr;  // holds a reference of it
  size_t position = 0;
  TokenId token = 0;
  AlignedBuffer memory;
};

}  // namespace sotto
