// One JSON object on one line, written as it goes.
//
//   JsonLine line;
//   line.Add("who", "cms");
//   line.Add("count", uint64_t{7});
//   line.Add("tags", std::vector<std::string>{"city"});
//   std::move(line).Finish();   // {"who":"cms","count":7,"tags":["city"]}
#ifndef THRONG_SERVER_ACCESS_JSON_LINE_H_
#define THRONG_SERVER_ACCESS_JSON_LINE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace throng::access {

// Not thread-safe. Keys are plain; bytes of values that are not UTF-8 become U+FFFD.
class JsonLine {
 public:
  void Add(std::string_view key, std::string_view value);
  void Add(std::string_view key, uint64_t value);
  // Nothing for an empty list.
  void Add(std::string_view key, const std::vector<std::string>& values);
  std::string Finish() &&;

 private:
  void Key(std::string_view key);
  void Text(std::string_view value);

  std::string line_ = "{";
};

}  // namespace throng::access

#endif  // THRONG_SERVER_ACCESS_JSON_LINE_H_
