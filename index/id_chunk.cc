#include "index/id_chunk.h"

#include <sys/mman.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <new>

#include "index/id_hash.h"
#include "index/memory_use.h"

namespace throng::index {

std::optional<uint64_t> CanonicalNumber(std::string_view text) {
  if (text.empty() || text.size() > 20 || (text[0] == '0' && text.size() > 1)) return std::nullopt;
  if (text[0] < '0' || text[0] > '9') return std::nullopt;  // from_chars takes a sign
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

IdKey MakeIdKey(std::string_view text) {
  return {.text = text, .number = CanonicalNumber(text), .hash = IdHash(text)};
}

IdKey MakeIdKey(uint64_t number, char* buffer) {
  const char* end = std::to_chars(buffer, buffer + 20, number).ptr;
  const std::string_view text(buffer, static_cast<size_t>(end - buffer));
  return {.text = text, .number = number, .hash = IdHash(text)};
}

IdList IdList::FromTexts(const std::vector<std::string>& ids) {
  IdList list;
  list.ends.reserve(ids.size());
  for (const std::string& id : ids) {
    if (id.empty()) list.erased.push_back(static_cast<uint32_t>(list.ends.size()));
    list.texts += id;
    list.ends.push_back(static_cast<uint32_t>(list.texts.size()));
  }
  return list;
}

void IdList::Truncate(size_t count) {
  if (ends.empty()) {
    numbers.resize(count);
  } else {
    ends.resize(count);
    texts.resize(count == 0 ? 0 : ends.back());
  }
  erased.erase(std::lower_bound(erased.begin(), erased.end(), count), erased.end());
}

std::vector<std::string> IdList::ToTexts() const {
  std::vector<std::string> ids;
  ids.reserve(size());
  for (size_t i = 0; i < size(); ++i) {
    ids.push_back(ends.empty() ? std::to_string(numbers[i]) : std::string(view(i)));
  }
  for (const uint32_t place : erased) ids[place].clear();
  return ids;
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

// Pages given back to the system come back as zeros; what the heap keeps is overwritten.
IdChunk::~IdChunk() {
  if (!wipe_) return;
  explicit_bzero(hashes_.get(), size_t{kChunkSize} * sizeof(uint64_t));
  if (numeric()) explicit_bzero(numbers_.get(), size_t{kChunkSize} * sizeof(uint64_t));
}

void IdChunk::Unmap::operator()(char* memory) const { munmap(memory, bytes); }

std::shared_ptr<IdChunk> MakeIdChunk(const IdList& ids) {
  const size_t size = ids.size();
  std::vector<bool> is_erased(size);
  for (const uint32_t place : ids.erased) is_erased[place] = true;
  std::vector<uint64_t> parsed;  // while all texts are numbers
  for (uint32_t i = 0; i < ids.ends.size(); ++i) {
    const std::optional<uint64_t> number = CanonicalNumber(ids.view(i));
    if (!number.has_value() && !is_erased[i]) break;
    parsed.push_back(number.value_or(0));
  }
  const bool is_numeric = parsed.size() == ids.ends.size();
  const std::vector<uint64_t>& numbers = ids.ends.empty() ? ids.numbers : parsed;
  auto chunk = std::make_shared<IdChunk>(is_numeric);
  for (uint32_t i = 0; i < size; ++i) {
    if (is_erased[i]) {
      chunk->AppendErased(i);
    } else if (is_numeric) {
      char buffer[20];
      chunk->Append(i, MakeIdKey(numbers[i], buffer));
    } else {
      const std::string_view text = ids.view(i);
      chunk->Append(i, {.text = text, .number = std::nullopt, .hash = IdHash(text)});
    }
  }
  return chunk;
}

std::shared_ptr<IdChunk> IdChunk::ToText(const IdChunk& numeric, uint32_t size) {
  auto chunk = std::make_shared<IdChunk>(false);
  for (uint32_t i = 0; i < size; ++i) {
    char buffer[20];
    if (numeric.erased(i)) {
      chunk->AppendErased(i);
    } else {
      chunk->Append(i, MakeIdKey(numeric.number(i), buffer));
    }
  }
  return chunk;
}

std::shared_ptr<IdChunk> IdChunk::Without(const IdChunk& chunk, uint32_t size,
                                          const std::vector<uint32_t>& offsets) {
  auto rest = std::make_shared<IdChunk>(chunk.numeric());
  std::vector<bool> leaves(size);
  for (const uint32_t offset : offsets) leaves[offset] = true;
  for (uint32_t i = 0; i < size; ++i) {
    if (leaves[i] || chunk.erased(i)) {
      rest->AppendErased(i);
    } else if (chunk.numeric()) {
      rest->numbers_[i] = chunk.numbers_[i];
      rest->hashes_[i] = chunk.hashes_[i];
    } else {
      rest->Append(i, {.text = chunk.view(i), .number = std::nullopt, .hash = chunk.hash(i)});
    }
  }
  return rest;
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

void IdChunk::AppendErased(uint32_t offset) {
  if (erased_ == nullptr) erased_.reset(new uint64_t[kChunkSize / 64]());
  erased_[offset >> 6] |= uint64_t{1} << (offset & 63);
  hashes_[offset] = 0;
  if (numeric()) {
    numbers_[offset] = 0;
  } else {
    ends_[offset] = offset == 0 ? 0 : ends_[offset - 1];
  }
}

std::string_view IdChunk::view(uint32_t offset) const {
  const uint32_t begin = offset == 0 ? 0 : ends_[offset - 1];
  return {bytes_.get() + begin, ends_[offset] - begin};
}

std::string IdChunk::text(uint32_t offset) const {
  if (!numeric()) return std::string(view(offset));
  return erased(offset) ? std::string() : std::to_string(numbers_[offset]);
}

bool IdChunk::Equals(uint32_t offset, const IdKey& key) const {
  if (erased(offset)) return false;
  if (numeric()) return key.number == numbers_[offset];
  return hashes_[offset] == key.hash && key.text == view(offset);
}

size_t IdChunk::memory_bytes(uint32_t size) const {
  size_t bytes = SharedBytes<IdChunk>() + HeapBytes(size_t{kChunkSize} * sizeof(uint64_t));
  if (erased_ != nullptr) bytes += HeapBytes(kChunkSize / 8);
  if (numeric()) return bytes + HeapBytes(size_t{kChunkSize} * sizeof(uint64_t));
  return bytes + HeapBytes(size_t{kChunkSize} * sizeof(uint32_t)) +
         (size == 0 ? 0 : ends_[size - 1]);
}

}  // namespace throng::index
