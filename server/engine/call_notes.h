// What a call was about, as the engine understood it: for the audit log.
//
//   CallNotes notes;
//   context.notes = &notes;
//   engine.selections().Count(context, selection);
//   notes.expressions();   // {"city = 'Beijing'"}: canonical, cut where very long
//   notes.tags();          // {"city"}: those that the expressions name
#ifndef THRONG_SERVER_ENGINE_CALL_NOTES_H_
#define THRONG_SERVER_ENGINE_CALL_NOTES_H_

#include <cstddef>
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

// Thread-compatible: noted by the thread that makes the call.
class CallNotes {
 public:
  // An expression that names what exists.
  void Note(const query::Expression& expression);

  const std::vector<std::string>& expressions() const { return expressions_; }
  const std::set<std::string>& tags() const { return tags_; }

 private:
  std::vector<std::string> expressions_;
  std::set<std::string> tags_;
};

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_CALL_NOTES_H_
