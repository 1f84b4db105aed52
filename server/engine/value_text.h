// What tags hold for users, as values and as text.
//
//   std::optional<TagValue> value = ReadValue(snapshot, entry, ordinal);   // of a portrait
//   TagTextReader reader(snapshot, entry);
//   reader.AppendTexts(chunk, offsets, &column);                           // of an export
//
// As text a FLAG is "true" or "false", a CATEGORY its value, LABELS their values in order of bytes
// with '|' between ('|' and '\' within a value stand behind a '\'), an INTEGER its digits, a
// DECIMAL digits with as many after the point as its scale, a DATE 2024-02-12, a DATETIME
// 2024-02-12T01:30:00.5Z, and what is missing is empty. Internal to the engine.
#ifndef THRONG_SERVER_ENGINE_VALUE_TEXT_H_
#define THRONG_SERVER_ENGINE_VALUE_TEXT_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "index/catalogue.h"
#include "index/snapshot.h"

namespace throng::engine {

// FLAG: true; CATEGORY and LABELS: texts in order of bytes; ordered tags: the stored number.
using TagValue = std::variant<bool, std::vector<std::string>, int64_t>;

// The value of the user `ordinal`; empty when there is none, or the FLAG is not set. Thread-safe.
std::optional<TagValue> ReadValue(const index::Snapshot& snapshot, const index::TagEntry& entry,
                                  uint32_t ordinal);

// A stored number of an ordered tag as text. Thread-safe.
std::string NumberText(const index::TagDefinition& definition, int64_t number);

// Reads one tag for many users. Borrows the snapshot and its entry. Thread-compatible.
class TagTextReader {
 public:
  TagTextReader(const index::Snapshot& snapshot, const index::TagEntry& entry);

  // Appends one text for each of the ascending `offsets`, at most index::kArrayMax, of a chunk
  // (ordinal >> 16).
  void AppendTexts(uint32_t chunk, std::span<const uint16_t> offsets,
                   std::vector<std::string>* texts) const;

 private:
  void AppendLabels(const index::TagShard& shard, uint32_t chunk, std::span<const uint16_t> offsets,
                    std::span<std::string> texts) const;

  const index::Snapshot& snapshot_;
  const index::TagEntry& entry_;
  std::vector<uint32_t> codes_;  // LABELS: in order of the values' bytes
};

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_VALUE_TEXT_H_
