// What a data directory must hold after any number of kills: the users of one writer and their
// tags, in plain maps. Types here are values; thread-compatible.
//
//   CrashModel model;
//   Operation operation = RandomOperation(model, /*writer=*/0, random);
//   Apply(operation, model);
//   model == Read(...)   // what the server answers after the kill
#ifndef THRONG_TESTS_CRASH_CRASH_MODEL_H_
#define THRONG_TESTS_CRASH_CRASH_MODEL_H_

#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace throng::crash {

struct Person {
  std::optional<std::string> city;
  std::optional<int64_t> views;
  bool vip = false;
  std::set<std::string> interests;
  std::set<std::string> phones;  // linked ids

  friend bool operator==(const Person&, const Person&) = default;
};

// By primary id.
using CrashModel = std::map<std::string, Person>;

// One call to the server, which happens as a whole or not at all.
struct Operation {
  enum class Kind {
    kWrite,    // WriteUsers: sets, clears, adds and removes; creates users
    kUpsert,   // a load of one batch
    kReplace,  // a load that replaces city and views of all users
    kLink,     // LinkIds: phones of users that exist
    kErase,    // EraseUsers
  };
  struct Change {
    std::string id;
    Person person;                     // kUpsert, kReplace: the new values (no interests)
    std::optional<std::string> city;   // kWrite: set; "" clears
    std::optional<bool> vip;           // kWrite
    std::vector<std::string> added;    // kWrite: interests
    std::vector<std::string> removed;  // kWrite: interests, none of added
    std::vector<std::string> phones;   // kLink
  };
  Kind kind = Kind::kWrite;
  std::vector<Change> changes;  // distinct ids

  // One line, for the expected-state file.
  std::string ToString() const;
};

// Users of writer 2 are "w2u0", "w2u1", ...; at most `users_max` of them.
Operation RandomOperation(const CrashModel& model, int writer, int users_max,
                          std::mt19937_64& random);

void Apply(const Operation& operation, CrashModel& model);

// The first difference in words; empty if there is none.
std::string Difference(const CrashModel& expected, const CrashModel& actual);

}  // namespace throng::crash

#endif  // THRONG_TESTS_CRASH_CRASH_MODEL_H_
