#include "tests/index/random_sets.h"

#include <algorithm>
#include <memory>

#include "index/chunk_ops.h"

namespace throng::index {
namespace {

void AddRuns(std::mt19937_64& random, uint32_t end, std::set<uint32_t>* members) {
  const uint32_t runs = 1 + static_cast<uint32_t>(random() % 40);
  for (uint32_t i = 0; i < runs; ++i) {
    const auto first = static_cast<uint32_t>(random() % end);
    const auto last = std::min<uint64_t>(end, first + random() % 3000);
    for (uint32_t v = first; v < last; ++v) members->insert(v);
  }
}

}  // namespace

std::set<uint32_t> RandomSet(std::mt19937_64& random, uint32_t end) {
  std::set<uint32_t> members;
  const uint64_t form = random() % 7;
  if (form == 0) return members;
  if (form == 1) {  // a few, edges among them
    for (uint32_t v : {0u, 63u, 64u, end / 2, end - 1}) {
      if (random() % 2 == 0) members.insert(v);
    }
  } else if (form == 2) {  // sparse
    for (uint64_t i = random() % 900; i > 0; --i)
      members.insert(static_cast<uint32_t>(random() % end));
  } else if (form == 3) {  // dense
    for (uint32_t v = 0; v < end; ++v) {
      if (random() % 3 == 0) members.insert(v);
    }
  } else if (form == 4) {
    AddRuns(random, end, &members);
  } else {  // all, or all but a few
    for (uint32_t v = 0; v < end; ++v) members.insert(members.end(), v);
    if (form == 6) {
      for (int i = 0; i < 5; ++i) members.erase(static_cast<uint32_t>(random() % end));
    }
  }
  return members;
}

std::set<uint32_t> Members(const ChunkSet& set) {
  std::set<uint32_t> members;
  ForEach(set, [&](uint32_t offset) { members.insert(members.end(), offset); });
  return members;
}

BlockRef BlockOf(const std::set<uint32_t>& members) {
  auto words = std::make_unique<ChunkWords>();
  for (uint32_t v : members) words->words[v >> 6] |= uint64_t{1} << (v & 63);
  return MakeBlock(ViewOf(words->words));
}

}  // namespace throng::index
