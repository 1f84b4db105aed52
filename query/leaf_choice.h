// The ways in which a leaf can be read in one chunk, what each takes, and the one that is taken.
//
//   LeafChoice choice;
//   choice.Add(LeafForm::kUnite, work.unite_cost);
//   choice.Add(LeafForm::kCodes, 100'000);
//   choice.chosen();   // the cheapest; of equals the first that was added
//
// Execution and EXPLAIN ask the same function (LeafReader::Choose), so that what is printed is what
// runs. Costs are in units of 0.1 ns on one core. They are rough: only their ratios matter, and
// only for speed. Types here are values; thread-compatible.
#ifndef THRONG_QUERY_LEAF_CHOICE_H_
#define THRONG_QUERY_LEAF_CHOICE_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace throng::query {

// Forms are never renumbered; new ones come last.
enum class LeafForm : uint8_t {
  kNothing = 0,      // nobody is there: nothing is read
  kCardinality = 1,  // the stored cardinalities are added up
  kBitmap = 2,       // one bitmap or list of ids, in place
  kUnite = 3,        // the bitmaps of several values, united
  kProbe = 4,        // the bitmaps of several values, each looked up for the users at hand
  kCodes = 5,        // everybody's code in the forward column
  kLookUp = 6,       // the code or number of each user at hand
  kScan = 7,         // everybody's number in the packed column
  kHash = 8,         // the id hash of each user at hand
};
inline constexpr size_t kLeafForms = 9;

// "nothing", "cardinality", "bitmap", "unite", "probe", "codes", "look_up", "scan", "hash".
std::string_view ToString(LeafForm form);

// What is asked of a leaf in a chunk.
enum class LeafUse : uint8_t {
  kRead,     // its users
  kCount,    // how many they are
  kKeep,     // those of the users at hand that are the leaf's
  kRemove,   // those that are not
  kCountIn,  // how many of the users at hand are the leaf's
};

inline constexpr uint64_t kBitsetPassCost = 1'500;  // a pass over a bitset and one more set
inline constexpr uint64_t kSetBitCost = 12;         // uniting a member of an array
inline constexpr uint64_t kTestBitCost = 6;         // looking a member of an array up
inline constexpr uint64_t kReadCodeCost = 50;       // finding one user's code or number
inline constexpr uint64_t kScanByteCost = 15'000;   // comparing everybody's, a byte of a number
inline constexpr uint64_t kHashCost = 60;           // reading and mixing one user's id hash

// Uniting a set of `users` with others, looking it up in another.
inline uint64_t UniteCost(uint64_t users) { return std::min(users * kSetBitCost, kBitsetPassCost); }
inline uint64_t TestCost(uint64_t users) { return std::min(users * kTestBitCost, kBitsetPassCost); }

// What reading the union of several bitmaps of a chunk takes.
struct UnionWork {
  uint64_t users = 0;       // the sum of their cardinalities
  uint64_t unite_cost = 0;  // uniting them
  uint64_t probe_cost = 0;  // intersecting each with one set
};
UnionWork WorkOf(std::span<const uint32_t> cardinalities);

// At least one form once something was added.
class LeafChoice {
 public:
  struct Alternative {
    LeafForm form;
    uint64_t cost;
  };
  static constexpr size_t kAlternativesMax = 4;

  LeafChoice() = default;
  LeafChoice(LeafForm form, uint64_t cost) { Add(form, cost); }

  // REQUIRES: fewer than kAlternativesMax were added.
  void Add(LeafForm form, uint64_t cost) {
    if (size_ > 0 && cost < cost_of_chosen()) chosen_ = size_;
    alternatives_[size_++] = {form, cost};
  }

  std::span<const Alternative> alternatives() const {
    return std::span(alternatives_).first(size_);
  }
  LeafForm chosen() const { return alternatives_[chosen_].form; }
  uint64_t cost_of_chosen() const { return alternatives_[chosen_].cost; }

 private:
  std::array<Alternative, kAlternativesMax> alternatives_{};
  size_t size_ = 0;
  size_t chosen_ = 0;
};

// How a leaf was read, in chunks by form, and of how many users at hand in all.
struct LeafAccesses {
  std::array<uint64_t, kLeafForms> chunks{};
  uint64_t users_at_hand = 0;

  void Note(LeafForm form, uint64_t at_hand) {
    ++chunks[static_cast<size_t>(form)];
    users_at_hand += at_hand;
  }
};

}  // namespace throng::query

#endif  // THRONG_QUERY_LEAF_CHOICE_H_
