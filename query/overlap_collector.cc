#include "query/overlap_collector.h"

#include <algorithm>
#include <array>
#include <bit>

#include "index/chunk_ops.h"
#include "index/scratch_pool.h"
#include "index/word_kernels.h"
#include "query/mask_counts.h"

namespace throng::query {
namespace {

using index::ChunkSet;
using index::kChunkSize;
using index::kWordsPerChunk;

// Chunks whose sets have fewer members together are counted member by member.
constexpr uint64_t kSparseMembersMax = 8'000;

// Adds `users` to every pair of the mask's selections, a < b.
void AddPairs(uint64_t mask, uint64_t users, size_t selections, std::vector<uint64_t>* pairs) {
  for (uint64_t rest = mask; rest != 0; rest &= rest - 1) {
    const auto a = static_cast<size_t>(std::countr_zero(rest));
    for (uint64_t others = rest & (rest - 1); others != 0; others &= others - 1) {
      (*pairs)[a * selections + static_cast<size_t>(std::countr_zero(others))] += users;
    }
  }
}

}  // namespace

// One thread's counts.
class OverlapCollector::Worker {
 public:
  Worker(size_t plans, size_t combinations_max)
      : plans_(plans),
        masks_(combinations_max),
        totals_(plans),
        unique_(plans),
        pairs_(plans * plans),
        words_(plans),
        copies_(plans),
        found_(index::TakeScratch()),
        repeated_(index::TakeScratch()) {}

  void Collect(std::span<const ChunkSet> users);
  size_t combinations() const { return masks_.size(); }
  // The table goes to `masks`; false where it does not hold all.
  bool AddTo(OverlapCounts* counts, MaskCounts* masks) const;

 private:
  void CollectSparse(std::span<const ChunkSet> users);
  void CollectDense(std::span<const ChunkSet> users);
  void CountWords();
  void CountPairs(std::span<const ChunkSet> users);
  void Add(uint64_t mask) {
    if (masks_.Add(mask)) return;
    is_full_ = true;
    AddPairs(mask, 1, plans_, &pairs_);
  }

  const size_t plans_;
  MaskCounts masks_;      // of two selections or more
  bool is_full_ = false;  // the table, once: pairs are counted from then on
  std::vector<uint64_t> totals_;
  std::vector<uint64_t> unique_;
  std::vector<uint64_t> pairs_;  // a < b; those that are not in the table
  uint64_t union_users_ = 0;
  // Of the chunk at hand.
  std::vector<const uint64_t*> words_;  // null: nobody
  std::vector<index::ScratchRef> copies_;
  index::ScratchRef found_;
  index::ScratchRef repeated_;
  std::vector<uint64_t> user_masks_;  // by offset, all 0 between chunks
  std::vector<uint16_t> touched_;
};

void OverlapCollector::Worker::Collect(std::span<const ChunkSet> users) {
  uint64_t members = 0;
  for (size_t i = 0; i < plans_; ++i) {
    totals_[i] += users[i].cardinality;
    members += users[i].cardinality;
  }
  if (members < kSparseMembersMax) {
    CollectSparse(users);
  } else {
    CollectDense(users);
  }
}

void OverlapCollector::Worker::CollectSparse(std::span<const ChunkSet> users) {
  user_masks_.resize(kChunkSize);
  touched_.clear();
  for (size_t i = 0; i < plans_; ++i) {
    const uint64_t bit = uint64_t{1} << i;
    index::ForEach(users[i], [&](uint32_t offset) {
      if (user_masks_[offset] == 0) touched_.push_back(static_cast<uint16_t>(offset));
      user_masks_[offset] |= bit;
    });
  }
  union_users_ += touched_.size();
  for (uint16_t offset : touched_) {
    const uint64_t mask = user_masks_[offset];
    user_masks_[offset] = 0;
    if (std::has_single_bit(mask)) {
      ++unique_[static_cast<size_t>(std::countr_zero(mask))];
    } else {
      Add(mask);
    }
  }
}

void OverlapCollector::Worker::CollectDense(std::span<const ChunkSet> users) {
  const index::WordKernels& kernels = index::Kernels();
  std::array<const uint64_t*, kOverlapPlansMax> present;
  uint32_t size = 0;
  for (size_t i = 0; i < plans_; ++i) {
    words_[i] = nullptr;
    if (users[i].empty()) continue;
    if (users[i].kind == index::SetKind::kBitset) {
      words_[i] = users[i].words;
    } else {
      if (copies_[i] == nullptr) copies_[i] = index::TakeScratch();
      index::CopyTo(users[i], copies_[i]->bits.words);
      words_[i] = copies_[i]->bits.words;
    }
    present[size++] = words_[i];
  }
  kernels.find_repeated(present.data(), size, found_->bits.words, repeated_->bits.words);
  union_users_ += index::CountBits(found_->bits.words);
  const index::WordOperand repeated{.words = repeated_->bits.words};
  for (size_t i = 0; i < plans_; ++i) {
    if (words_[i] == nullptr) continue;
    const index::WordOperand in{.words = words_[i]};
    unique_[i] += kernels.conjoin({&in, 1, &repeated, 1}, nullptr);
  }
  if (is_full_) {
    CountPairs(users);
  } else {
    CountWords();
  }
}

void OverlapCollector::Worker::CountWords() {
  const index::WordKernels& kernels = index::Kernels();
  const uint64_t* repeated = repeated_->bits.words;
  alignas(64) uint64_t masks[64];
  for (uint32_t word = 0; word < kWordsPerChunk; ++word) {
    if (repeated[word] == 0) continue;
    kernels.gather_masks(words_.data(), static_cast<uint32_t>(plans_), word, masks);
    for (uint64_t rest = repeated[word]; rest != 0; rest &= rest - 1) {
      Add(masks[std::countr_zero(rest)]);
    }
  }
}

void OverlapCollector::Worker::CountPairs(std::span<const ChunkSet> users) {
  for (size_t a = 0; a < plans_; ++a) {
    if (users[a].empty()) continue;
    for (size_t b = a + 1; b < plans_; ++b) {
      pairs_[a * plans_ + b] += index::IntersectCardinality(users[a], users[b]);
    }
  }
}

bool OverlapCollector::Worker::AddTo(OverlapCounts* counts, MaskCounts* masks) const {
  counts->union_users += union_users_;
  for (size_t a = 0; a < plans_; ++a) {
    counts->pairs[a * plans_ + a] += totals_[a];
    counts->unique[a] += unique_[a];
    for (size_t b = a + 1; b < plans_; ++b) {
      counts->pairs[a * plans_ + b] += pairs_[a * plans_ + b];
    }
  }
  bool fits = !is_full_;
  masks_.ForEach([&](uint64_t mask, uint64_t users) {
    AddPairs(mask, users, plans_, &counts->pairs);
    if (fits) fits = masks->Add(mask, users);
  });
  return fits;
}

OverlapCollector::OverlapCollector(size_t plans, size_t combinations_max)
    : plans_(plans), combinations_max_(combinations_max) {}

OverlapCollector::~OverlapCollector() = default;

void OverlapCollector::Start(uint32_t workers, uint32_t /*chunks*/) { workers_.resize(workers); }

void OverlapCollector::Collect(uint32_t /*chunk*/, std::span<const ChunkSet> users,
                               uint32_t worker) {
  if (workers_[worker] == nullptr) {
    workers_[worker] = std::make_unique<Worker>(plans_, combinations_max_);
  }
  workers_[worker]->Collect(users);
}

OverlapCounts OverlapCollector::Finish() const {
  OverlapCounts counts{.selections = plans_,
                       .pairs = std::vector<uint64_t>(plans_ * plans_),
                       .unique = std::vector<uint64_t>(plans_)};
  MaskCounts masks(combinations_max_);
  size_t combinations = 0;
  for (const std::unique_ptr<Worker>& worker : workers_) {
    if (worker != nullptr) combinations += worker->combinations();
  }
  masks.Reserve(std::min(combinations, combinations_max_));
  for (const std::unique_ptr<Worker>& worker : workers_) {
    if (worker != nullptr && !worker->AddTo(&counts, &masks)) counts.is_complete = false;
  }
  for (size_t a = 0; a < plans_; ++a) {
    for (size_t b = 0; b < a; ++b) counts.pairs[a * plans_ + b] = counts.pair(b, a);
  }
  if (!counts.is_complete) return counts;
  masks.ForEach([&](uint64_t mask, uint64_t users) {
    counts.intersections.push_back({mask, users});
  });
  for (size_t a = 0; a < plans_; ++a) {
    if (counts.unique[a] > 0) counts.intersections.push_back({uint64_t{1} << a, counts.unique[a]});
  }
  std::sort(counts.intersections.begin(), counts.intersections.end(),
            [](const ExclusiveIntersection& a, const ExclusiveIntersection& b) {
              return a.users != b.users ? a.users > b.users : a.mask < b.mask;
            });
  return counts;
}

}  // namespace throng::query
