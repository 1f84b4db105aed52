// Which crowds a list holds: a small part of AIP-160 (google.aip.dev/160).
//
//   absl::StatusOr<CrowdFilter> filter = CrowdFilter::Parse("kind = RULE AND labels.team = 'crm'");
//   filter->Matches(*crowd);
//
// A filter is tests joined by AND, OR and NOT (or '-'), with parentheses. As in AIP-160, OR binds
// tighter than AND. A value is a word, or a text in single or double quotes, where a backslash
// stands before a quote. Words of the language are in capitals.
//
//   field         = and !=       :
//   name          the whole name     a part of it, in any case
//   kind          RULE, UPLOAD, SPLIT
//   state         NEW, READY, FROZEN, DELETED
//   folder        the whole folder   it, and what lies below it
//   owner         the whole owner    a part of it, in any case
//   labels.KEY    the whole value    (labels:KEY: has the label)
//
// What is tested with != and missing does not match a label that is missing either.
#ifndef THRONG_SERVER_ENGINE_CROWD_FILTER_H_
#define THRONG_SERVER_ENGINE_CROWD_FILTER_H_

#include <memory>
#include <string_view>

#include "absl/status/statusor.h"
#include "index/crowd.h"

namespace throng::engine {

inline constexpr int kFilterTestsMax = 100;
inline constexpr int kFilterDepthMax = 16;

// A value; thread-safe: immutable.
class CrowdFilter {
 public:
  // Empty: everything matches. Errors: kInvalidArgument (BAD_FILTER, with the column and what was
  // expected; FILTER_TOO_LONG) at "filter".
  static absl::StatusOr<CrowdFilter> Parse(std::string_view text);

  bool Matches(const index::CrowdEntry& crowd) const;
  // Whether it tests the state, so that deleted crowds need not be asked for otherwise.
  bool tests_state() const;

  struct Node;

 private:
  std::shared_ptr<const Node> root_;  // null: everything
};

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_CROWD_FILTER_H_
