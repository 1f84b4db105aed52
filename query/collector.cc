#include "query/collector.h"

namespace throng::query {

void SetCollector::Start(uint32_t /*workers*/, uint32_t chunks) {
  blocks_.assign(chunks, index::BlockRef());
}

void SetCollector::Collect(uint32_t chunk, const index::ChunkSet& users, uint32_t /*worker*/) {
  blocks_[chunk] = index::MakeBlock(users);
}

std::shared_ptr<const index::OrdinalSet> SetCollector::Build() {
  return index::OrdinalSet::FromBlocks(std::move(blocks_));
}

}  // namespace throng::query
