#include "server/engine/package_compression.h"

#include <zlib.h>
#include <zstd.h>

#include "fmt/format.h"

namespace throng::engine {
namespace {

// Ids shrink little more at higher levels, which take a multiple of the time.
constexpr int kGzipLevel = 4;
constexpr int kZstdLevel = 3;
constexpr int kGzipWindowBits = 15 + 16;  // the 16: gzip's header and trailer
constexpr int kGzipMemoryLevel = 8;

}  // namespace

struct BlockPacker::Context {
  ~Context() {
    if (has_deflate) deflateEnd(&deflate);
    ZSTD_freeCCtx(zstd);
  }
  z_stream deflate = {};
  bool has_deflate = false;
  ZSTD_CCtx* zstd = nullptr;
};

BlockPacker::BlockPacker(PackageCompression compression)
    : compression_(compression), context_(std::make_unique<Context>()) {}
BlockPacker::~BlockPacker() = default;

absl::Status BlockPacker::Pack(std::string_view block, std::string* bytes) {
  return compression_ == PackageCompression::kGzip ? Gzip(block, bytes) : Zstd(block, bytes);
}

absl::Status BlockPacker::Gzip(std::string_view block, std::string* bytes) {
  z_stream& stream = context_->deflate;
  if (!context_->has_deflate) {
    const int made = deflateInit2(&stream, kGzipLevel, Z_DEFLATED, kGzipWindowBits,
                                  kGzipMemoryLevel, Z_DEFAULT_STRATEGY);
    if (made != Z_OK) return absl::ResourceExhaustedError("no memory to pack with gzip");
    context_->has_deflate = true;
  } else {
    deflateReset(&stream);
  }
  const size_t begin = bytes->size();
  bytes->resize(begin + deflateBound(&stream, block.size()));
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(block.data()));
  stream.avail_in = static_cast<uInt>(block.size());
  stream.next_out = reinterpret_cast<Bytef*>(bytes->data() + begin);
  stream.avail_out = static_cast<uInt>(bytes->size() - begin);
  const int ended = deflate(&stream, Z_FINISH);
  bytes->resize(bytes->size() - stream.avail_out);
  if (ended == Z_STREAM_END) return absl::OkStatus();
  return absl::InternalError(fmt::format("zlib cannot pack a block: {}", ended));
}

absl::Status BlockPacker::Zstd(std::string_view block, std::string* bytes) {
  if (context_->zstd == nullptr) context_->zstd = ZSTD_createCCtx();
  if (context_->zstd == nullptr) return absl::ResourceExhaustedError("no memory to pack with zstd");
  const size_t begin = bytes->size();
  bytes->resize(begin + ZSTD_compressBound(block.size()));
  const size_t size =
      ZSTD_compressCCtx(context_->zstd, bytes->data() + begin, bytes->size() - begin, block.data(),
                        block.size(), kZstdLevel);
  if (ZSTD_isError(size) != 0) {
    bytes->resize(begin);
    return absl::InternalError(
        fmt::format("zstd cannot pack a block: {}", ZSTD_getErrorName(size)));
  }
  bytes->resize(begin + size);
  return absl::OkStatus();
}

}  // namespace throng::engine
