#include "index/id_chunk.h"

#include <sys/mman.h>

#include <charconv>
#include <cstring>
#include <new>

#include "index/id_hash.h"

namespace throng::index {

IdKey MakeIdKey(std::string_view text) {
  IdKey key{.text = text, .number = std::nullopt, .hash = IdHash(text)};
  if (text.empty() || text.size() > 20 || (text[0] == '0' && text.size() > 1)) return key;
  if (text[0] < '0' || text[0] > '9') return key;  // from_chars takes a sign
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size()) key.number = number;
  return key;
}

IdKey MakeIdKey(uint64_t number, char* buffer) {
  const char* end = std::to_chars(buffer, buffer + 20, number).ptr;
  const std::string_view text(buffer, static_cast<size_t>(end - buffer));
  return {.text = text, .number = number, .hash = IdHash(text)};
}

IdChunk::IdChunk(bool numeric) : hashes_(new uint64_t[kChunkSize]), bytes_(nullptr, Unmap{0}) {
  if (numeric) {
    numbers_.reset(new uint64_t[kChunkSize]);
    return;
  }
  ends_.reset(new uint32_t[kChunkSize]);
  const size_t bytes = size_t{kChunkSize} * kIdBytesMax;
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  bytes_ = std::unique_ptr<char, Unmap>(static_cast<char*>(memory), Unmap{bytes});
}

void IdChunk::Unmap::operator()(char* memory) const { munmap(memory, bytes); }

std::shared_ptr<IdChunk> IdChunk::ToText(const IdChunk& numeric, uint32_t size) {
  auto chunk = std::make_shared<IdChunk>(false);
  for (uint32_t i = 0; i < size; ++i) {
    char buffer[20];
    chunk->Append(i, MakeIdKey(numeric.number(i), buffer));
  }
  return chunk;
}

void IdChunk::Append(uint32_t offset, const IdKey& key) {
  hashes_[offset] = key.hash;
  if (numeric()) {
    numbers_[offset] = *key.number;
    return;
  }
  const uint32_t begin = offset == 0 ? 0 : ends_[offset - 1];
  std::memcpy(bytes_.get() + begin, key.text.data(), key.text.size());
  ends_[offset] = begin + static_cast<uint32_t>(key.text.size());
}

std::string_view IdChunk::view(uint32_t offset) const {
  const uint32_t begin = offset == 0 ? 0 : ends_[offset - 1];
  return {bytes_.get() + begin, ends_[offset] - begin};
}

std::string IdChunk::text(uint32_t offset) const {
  return numeric() ? std::to_string(numbers_[offset]) : std::string(view(offset));
}

bool IdChunk::Equals(uint32_t offset, const IdKey& key) const {
  if (hashes_[offset] != key.hash) return false;
  return numeric() ? key.number == numbers_[offset] : key.text == view(offset);
}

size_t IdChunk::memory_bytes(uint32_t size) const {
  size_t bytes = sizeof(*this) + size_t{kChunkSize} * sizeof(uint64_t);
  if (numeric()) return bytes + size_t{kChunkSize} * sizeof(uint64_t);
  return bytes + size_t{kChunkSize} * sizeof(uint32_t) + (size == 0 ? 0 : ends_[size - 1]);
}

}  // namespace throng::index
