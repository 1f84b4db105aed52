// Numbers distinct texts 0, 1, 2, ... in the order they are first seen.
//
//   TextDictionary dictionary;
//   dictionary.Add("Beijing");   // 0
//   dictionary.Add("Tianjin");   // 1
//   dictionary.Add("Beijing");   // 0
//   dictionary.text(1);          // "Tianjin"
//
// The texts lie end to end in one string: a text costs its bytes and about 20 more.
#ifndef THRONG_CLI_TEXT_DICTIONARY_H_
#define THRONG_CLI_TEXT_DICTIONARY_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace throng::cli {

// Thread-compatible: one thread at a time while texts are added.
class TextDictionary {
 public:
  TextDictionary();

  // The code of `text`, a new one if it is new. At most 2^32 - 2 texts.
  uint32_t Add(std::string_view text);
  // The code of `text` if it was added.
  std::optional<uint32_t> Find(std::string_view text) const;
  // The text of `code`, below size(). Valid until the next Add() or Clear().
  std::string_view text(uint32_t code) const;
  size_t size() const { return ends_.size(); }
  // Bytes of all texts.
  size_t text_bytes() const { return data_.size(); }
  // Forgets every text and keeps the memory.
  void Clear();

 private:
  // A text of at most 8 bytes is its bytes and its size; of a longer one they are a hash.
  struct Key {
    uint64_t bits = 0;
    uint32_t bytes = 0;
    bool operator==(const Key&) const = default;
  };
  struct Slot {
    Key key;
    uint32_t code = kFree;
  };
  static constexpr uint32_t kFree = 0xFFFFFFFF;

  static Key KeyOf(std::string_view text);
  // The slot that has `text`, or the free one where it belongs.
  size_t Probe(std::string_view text, const Key& key) const;
  size_t FirstPlace(const Key& key) const;
  void Grow();

  std::string data_;
  std::vector<uint64_t> ends_;
  std::vector<Slot> slots_;  // a power of two, at most half full
};

}  // namespace throng::cli

#endif  // THRONG_CLI_TEXT_DICTIONARY_H_
