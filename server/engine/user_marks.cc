#include "server/engine/user_marks.h"

#include <utility>

#include "index/block.h"
#include "index/chunk_ops.h"

namespace throng::engine {

void UserMarks::AddAll(const index::OrdinalSet& users) {
  if (chunks_.size() < users.chunk_count()) chunks_.resize(users.chunk_count());
  for (uint32_t chunk = 0; chunk < users.chunk_count(); ++chunk) {
    const index::ChunkSet members = users.chunk(chunk);
    if (members.empty()) continue;
    std::unique_ptr<index::ChunkWords>& words = chunks_[chunk];
    if (words == nullptr) words = std::make_unique<index::ChunkWords>();
    count_ -= index::CountBits(words->words);
    index::UniteInto(members, words->words);
    count_ += index::CountBits(words->words);
  }
}

index::OrdinalSetRef UserMarks::ToSet() const {
  std::vector<index::BlockRef> blocks(chunks_.size());
  for (size_t chunk = 0; chunk < chunks_.size(); ++chunk) {
    if (chunks_[chunk] == nullptr) continue;
    blocks[chunk] = index::MakeBlock(index::ViewOf(chunks_[chunk]->words));
  }
  return index::OrdinalSet::FromBlocks(std::move(blocks));
}

}  // namespace throng::engine
