// What a call was about, as the engine understood it: for the audit log and the log of slow calls.
//
//   CallNotes notes(CallNotes::Detail::kFull);
//   context.notes = &notes;
//   engine.selections().Count(context, selection);
//   notes.expressions();   // {"city = 'Beijing'"}: canonical, cut where very long
//   notes.tags();          // {"city"}: those that the expressions name
//   notes.brief();         // "city = 'Beijing'": the first, without ids
#ifndef THRONG_SERVER_ENGINE_CALL_NOTES_H_
#define THRONG_SERVER_ENGINE_CALL_NOTES_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace throng::query {
struct Expression;
}

namespace throng::engine {

// Longer ones are cut, with "..." behind.
inline constexpr size_t kNotedExpressionBytesMax = 8 << 10;
inline constexpr size_t kNotedExpressionsMax = 64;

inline constexpr size_t kBriefExpressionBytesMax = 2 << 10;

// On what an expression was evaluated: enough to explain it afterwards. A value.
struct NotedPlace {
  std::string population;
  uint64_t data_version = 0;
  std::string time_zone;
  int64_t reference_us = 0;
};

// Thread-compatible: noted by the thread that makes the call.
class CallNotes {
 public:
  // kBrief: only the brief form of the first expression, and its place, which costs little however
  // long the expression is.
  enum class Detail { kBrief, kFull };

  explicit CallNotes(Detail detail) : detail_(detail) {}

  // An expression that names what exists.
  void Note(const query::Expression& expression);
  // The place of the expression that is noted next.
  void NotePlace(NotedPlace place);

  const std::vector<std::string>& expressions() const { return expressions_; }
  const std::set<std::string>& tags() const { return tags_; }
  // Of the first expression, cut after kBriefExpressionBytesMax; how many ids, but not which.
  // Empty: the call has none.
  const std::string& brief() const { return brief_; }
  // Of the first selection; absent: the call has none.
  const std::optional<NotedPlace>& place() const { return place_; }

 private:
  const Detail detail_;
  std::vector<std::string> expressions_;
  std::set<std::string> tags_;
  std::string brief_;
  std::optional<NotedPlace> place_;
};

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_CALL_NOTES_H_
