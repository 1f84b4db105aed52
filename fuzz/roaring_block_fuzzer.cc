// Feeds arbitrary bytes to the decoders of Roaring bitmaps, as they come from disk and from
// clients. What they accept must hold the members it says, and encode to the same members again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "index/roaring_codec.h"
#include "index/shard_codec.h"

namespace {

using throng::index::BitmapShardRef;

uint64_t CountMembers(const BitmapShardRef& shard) {
  auto scratch = std::make_unique<throng::index::ChunkScratch>();
  uint64_t count = 0;
  for (uint32_t chunk = 0; chunk < throng::index::kChunksPerShard; ++chunk) {
    throng::index::ForEach(throng::index::Load(shard, chunk, *scratch), [&](uint32_t) { ++count; });
  }
  return count;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const absl::StatusOr<BitmapShardRef> shard = throng::index::DecodeShard(bytes); shard.ok()) {
    if (CountMembers(*shard) != throng::index::Cardinality(*shard)) std::abort();
    const auto again = throng::index::DecodeShard(throng::index::EncodeShard(*shard));
    if (!again.ok() || throng::index::Cardinality(*again) != throng::index::Cardinality(*shard)) {
      std::abort();
    }
  }
  const absl::StatusOr<std::vector<uint64_t>> numbers =
      throng::index::DecodeNumbers(bytes, /*members_max=*/100'000);
  if (!numbers.ok()) return 0;
  for (size_t i = 1; i < numbers->size(); ++i) {
    if ((*numbers)[i - 1] >= (*numbers)[i]) std::abort();
  }
  const auto again = throng::index::DecodeNumbers(throng::index::EncodeNumbers(*numbers), 100'000);
  if (!again.ok() || *again != *numbers) std::abort();
  return 0;
}
