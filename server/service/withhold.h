// Taking numbers of few users out of an answer, and those from which they could be worked out.
//
//   std::vector<bool> hidden = WithheldCells({500, 3, 120}, 100);   // {false, true, true}
//   Withhold(response, {"count"});          // 0, and "count" is in response->withheld
//
// What is small: fewer than `minimum`, nobody too, as "nobody" says of each that he is not there.
// Thread-safe, but for Apart.
#ifndef THRONG_SERVER_SERVICE_WITHHOLD_H_
#define THRONG_SERVER_SERVICE_WITHHOLD_H_

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <set>
#include <string_view>
#include <vector>

#include "google/protobuf/message.h"

namespace throng::service {

// Clears the fields and names them in `withheld`. REQUIRES: fields of the message, which has a
// `repeated string withheld`.
void Withhold(google::protobuf::Message* message, std::initializer_list<std::string_view> fields);

// Whether the difference of two numbers is of few users.
bool IsClose(uint64_t a, uint64_t b, uint64_t minimum);

// Which of the cells are withheld whose sum is known: small ones and those of `more`, and then the
// smallest others until there are none, or at least two that have `minimum` users together. So all
// that is known of a withheld cell is that it has from 0 to so many users. `more` may be empty.
std::vector<bool> WithheldCells(const std::vector<uint64_t>& cells, uint64_t minimum,
                                const std::vector<bool>& more = {});

// Numbers that are shown in one answer and may be of crowds that lie within each other. Not enough
// where one of them may be the union of others: three numbers say how two crowds overlap. Not
// thread-safe.
class Apart {
 public:
  explicit Apart(uint64_t minimum) : minimum_(minimum) {}
  // Whether the number may be shown beside those before it: neither is it small nor any difference.
  // If so it is one of them from then on.
  bool Show(uint64_t number);

 private:
  const uint64_t minimum_;
  std::set<uint64_t> shown_;
};

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_WITHHOLD_H_
