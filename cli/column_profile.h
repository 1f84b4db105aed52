// What the values of a column have in common: the evidence for guessing its tag's type.
//
//   ColumnProfile profile;
//   for (...) profile.Add(cell);
//   profile.GuessTag("spend");  // TagSchema of DECIMAL, scale 2
#ifndef THRONG_CLI_COLUMN_PROFILE_H_
#define THRONG_CLI_COLUMN_PROFILE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "cli/schema.h"
#include "cli/text_dictionary.h"

namespace throng::cli {

// Thread-compatible: one thread at a time.
class ColumnProfile {
 public:
  ColumnProfile();

  void Add(std::string_view cell);

  // Cells with a value.
  uint64_t values() const { return values_; }
  uint64_t missing() const { return missing_; }
  // Different values; exact up to a million.
  size_t distinct() const { return distinct_.size(); }
  // Usable as an id: every row has one, no two are the same.
  bool IsUnique() const { return missing_ == 0 && values_ == distinct(); }
  // The one text that every cell with a value has; empty if there are several or none.
  std::string_view only_value() const;
  // Texts other than the empty one that seem to mean "no value", e.g. "NULL".
  const std::set<std::string>& missing_texts() const { return missing_texts_; }
  // The tag that fits all values; nullopt when the column has none or is free text.
  std::optional<TagSchema> GuessTag(const std::string& name) const;

 private:
  // Separators that LABELS may have.
  static constexpr std::array<char, 2> kSeparators = {'|', ';'};

  void AddNumber(std::string_view cell);
  void AddParts(std::string_view cell);
  bool SeemsLabels(size_t separator) const;

  uint64_t values_ = 0;
  uint64_t missing_ = 0;
  std::set<std::string> missing_texts_;
  TextDictionary distinct_;
  bool flag_ = true;
  bool integer_ = true;
  bool integral_float_ = true;
  bool decimal_ = true;
  int32_t scale_ = 0;
  size_t whole_digits_ = 0;
  std::vector<bool> date_fits_;
  std::vector<bool> time_fits_;
  std::array<uint64_t, 2> separated_ = {};
  std::array<uint64_t, 2> parts_ = {};
  std::array<TextDictionary, 2> distinct_parts_;
};

}  // namespace throng::cli

#endif  // THRONG_CLI_COLUMN_PROFILE_H_
