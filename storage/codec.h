// Bytes of the disk format: a writer, and a reader that never looks outside what it was given.
//
//   ByteWriter out;
//   out.Varint(17);
//   out.Text("city");
//   ByteReader in(out.bytes());
//   uint64_t n = in.Varint(100);        // fails when above 100
//   std::string_view name = in.Text(128);
//   if (!in.Done()) return ...;         // something failed, or bytes are left
//
// A reader that failed once stays failed and returns zeros, so that a decoder checks at its end
// (and before it allocates). Every encoding is canonical: a value has one sequence of bytes and the
// reader refuses any other, so what decodes encodes to the same bytes again.
#ifndef THRONG_STORAGE_CODEC_H_
#define THRONG_STORAGE_CODEC_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace throng::storage {

// Not thread-safe.
class ByteWriter {
 public:
  void U8(uint8_t value) { bytes_.push_back(static_cast<char>(value)); }
  void Fixed64(uint64_t value);  // little-endian
  // LEB128: seven bits a byte, the least significant first.
  void Varint(uint64_t value);
  // 0, -1, 1, -2 ... as 0, 1, 2, 3 ..., so that small negative numbers are short.
  void ZigZag(int64_t value);
  void Raw(std::string_view bytes) { bytes_.append(bytes); }
  void Text(std::string_view text);  // its length, then its bytes
  // Eight a byte, the first in the lowest bit; the reader knows how many.
  void Bits(const std::vector<bool>& bits);

  const std::string& bytes() const { return bytes_; }
  std::string Take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

// A view: valid as long as the bytes it reads. Not thread-safe.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}

  uint8_t U8();
  uint64_t Fixed64();
  // Fails when the number is above `most`.
  uint64_t Varint(uint64_t most = std::numeric_limits<uint64_t>::max());
  uint32_t Varint32() {
    return static_cast<uint32_t>(Varint(std::numeric_limits<uint32_t>::max()));
  }
  // A count of things that take at least `bytes_each` bytes: fails when they cannot be there, so
  // that a caller may reserve room for them.
  size_t Count(size_t bytes_each);
  int64_t ZigZag();
  std::string_view Raw(size_t size);
  std::string_view Text(size_t size_max);
  std::vector<bool> Bits(size_t count);

  void Fail();
  bool ok() const { return ok_; }
  size_t remaining() const { return rest_.size(); }
  // True when nothing failed and nothing is left.
  bool Done() const { return ok_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace throng::storage

#endif  // THRONG_STORAGE_CODEC_H_
