#include "query/bin_counter.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <optional>
#include <span>
#include <utility>

#include "index/chunk_ops.h"
#include "index/word_kernels.h"
#include "query/column_codes.h"

namespace throng::query {
namespace {

// The kernel of the codes' width: index/word_kernels.h.
template <typename Code>
index::CountFromFunction CountFromKernel() {
  const index::WordKernels& kernels = index::Kernels();
  if constexpr (sizeof(Code) == 1) return kernels.count_from1;
  if constexpr (sizeof(Code) == 2) return kernels.count_from2;
  if constexpr (sizeof(Code) == 4) return kernels.count_from4;
  if constexpr (sizeof(Code) == 8) return kernels.count_from8;
}

}  // namespace

BinCounter::BinCounter(std::vector<int64_t> edges)
    : edges_(std::move(edges)), from_(edges_.size()) {}

void BinCounter::Add(const index::ColumnShard& column, uint32_t chunk, const index::ChunkSet& users,
                     index::ChunkScratch& scratch) {
  const std::span<const index::Cell> delta = column.delta(chunk);
  for (const index::Cell& cell : delta) {
    if (cell.present && index::Contains(users, cell.offset & index::kChunkMask)) {
      AddNumber(cell.value);
    }
  }
  const index::ColumnBlock* block = column.block(chunk).get();
  if (block == nullptr) return;
  const index::ChunkSet in_block = delta.empty() ? users : WithoutDelta(users, delta, scratch);
  AddBlock(*block, in_block, block->codes() == nullptr ? nullptr : NextCodes(column, chunk));
}

std::vector<uint64_t> BinCounter::counts() const {
  std::vector<uint64_t> counts(edges_.size() + 1);
  uint64_t from = with_value_;
  for (size_t i = 0; i < counts.size(); ++i) {
    const uint64_t next = i < from_.size() ? from_[i] : 0;
    counts[i] = from - next;
    from = next;
  }
  return counts;
}

void BinCounter::AddNumber(int64_t number) {
  ++with_value_;
  for (size_t i = 0; i < edges_.size() && edges_[i] <= number; ++i) ++from_[i];
}

void BinCounter::AddBlock(const index::ColumnBlock& block, const index::ChunkSet& users,
                          const uint8_t* next) {
  if (block.codes() == nullptr) {
    index::ForEach(users, [&](uint32_t offset) {
      if (const std::optional<int64_t> number = block.Get(offset)) AddNumber(*number);
    });
    return;
  }
  switch (block.width()) {
    case 1:
      AddCodes<uint8_t>(block, users, next);
      break;
    case 2:
      AddCodes<uint16_t>(block, users, next);
      break;
    case 4:
      AddCodes<uint32_t>(block, users, next);
      break;
    case 8:
      AddCodes<uint64_t>(block, users, next);
      break;
  }
  block.VisitExceptions(users, [&](int64_t number) { AddNumber(number); });
}

// Code 0 is "no value", code 1 the base.
template <typename Code>
void BinCounter::AddCodes(const index::ColumnBlock& block, const index::ChunkSet& users,
                          const uint8_t* next) {
  constexpr uint64_t kCodeMax = std::numeric_limits<Code>::max();
  limits_.assign(1, 1);
  // Edges up to the base are at or below every code, those beyond the largest above all.
  const auto first = static_cast<size_t>(
      std::upper_bound(edges_.begin(), edges_.end(), block.base()) - edges_.begin());
  for (size_t i = first; i < edges_.size(); ++i) {
    const uint64_t distance =
        static_cast<uint64_t>(edges_[i]) - static_cast<uint64_t>(block.base());
    if (distance >= kCodeMax) break;
    limits_.push_back(distance + 1);
  }
  limit_counts_.assign(limits_.size(), 0);
  const index::CountFromFunction count_from = CountFromKernel<Code>();
  VisitCodes<Code>(block.codes(), users, next, [&](const uint8_t* codes, uint32_t size) {
    count_from(codes, size, limits_.data(), static_cast<uint32_t>(limits_.size()),
               limit_counts_.data());
  });
  with_value_ += limit_counts_[0];
  for (size_t i = 0; i < first; ++i) from_[i] += limit_counts_[0];
  for (size_t i = 1; i < limits_.size(); ++i) from_[first + i - 1] += limit_counts_[i];
}

}  // namespace throng::query
