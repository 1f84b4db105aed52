// What a data directory must hold of one writer's crowds after any number of kills: definitions and
// the users of each version, in plain maps, computed from the naive users of crash_model.h.
//
//   CrashState state;                        // users and crowds of one writer
//   CrowdOperation operation = RandomCrowdOperation(state, /*writer=*/0, /*call=*/17, random);
//   CrowdAnswer told = Apply(operation, state);   // what the server must answer
//   Difference(state, Read(...))                  // what it holds after the kill
//
// Types here are values; thread-compatible. Functions are thread-safe.
#ifndef THRONG_TESTS_CRASH_CRASH_CROWDS_H_
#define THRONG_TESTS_CRASH_CRASH_CROWDS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/crash/crash_model.h"

namespace throng::crash {

// Versions that every crowd but an arm keeps; an arm keeps the server's default.
inline constexpr uint32_t kKeepLast = 3;
inline constexpr uint32_t kArmKeepLast = 10;

// A rule over the writer's own tags, so that nobody else changes who it selects.
struct CrowdRule {
  std::string city;  // empty: any
  std::optional<int64_t> views_over;
  bool vip = false;

  // As the server prints it: "city_2 = 'c3' and views_2 > 10 and vip_2".
  std::string Text(int writer) const;
  bool Selects(const Person& person) const;
};

// What an upload was told of its ids.
struct UploadCounts {
  uint64_t received = 0;
  uint64_t matched = 0;
  uint64_t duplicate = 0;
  uint64_t unknown = 0;
  uint64_t invalid = 0;

  friend bool operator==(const UploadCounts&, const UploadCounts&) = default;
};

struct VersionModel {
  uint64_t computed_count = 0;
  uint32_t previous = 0;
  uint64_t added = 0;
  uint64_t removed = 0;
  uint64_t data_version = 0;  // 0: nobody was told
  uint64_t current_count = 0;
  std::optional<UploadCounts> upload;  // of a version that an upload made
  std::set<std::string> ids;           // those of now: without whom was erased since
};

// Buckets [first, second).
using BucketRanges = std::vector<std::pair<uint32_t, uint32_t>>;

struct CrowdTwin {
  enum class Kind { kRule, kUpload, kArm };
  Kind kind = Kind::kRule;
  std::string description;
  std::string text;    // the expression, canonical; empty: UPLOAD
  CrowdRule rule;      // kRule
  std::string split;   // kArm, and all below
  std::string source;  // name of a crowd
  uint32_t share = 0;  // buckets of all arms when the split was made
  BucketRanges ranges;
  bool is_winner = false;
  bool is_deleted = false;
  bool is_frozen = false;
  std::map<uint32_t, VersionModel> versions;  // those that are kept, by number

  // NEW, READY, FROZEN or DELETED.
  std::string State() const;
};

// By name. What was deleted for good is not in it.
using CrowdModel = std::map<std::string, CrowdTwin>;

struct CrashState {
  CrashModel users;
  CrowdModel crowds;
};

// One call about crowds. With its request id it can be sent again.
struct CrowdOperation {
  enum class Kind {
    kCreate,       // a RULE
    kRefresh,      // one or several, all or none
    kFreeze,       // a RULE
    kUpload,       // a list, by which the crowd may be made
    kDelete,       // a RULE or an UPLOAD
    kUndelete,     // any
    kSplit,        // arms A and B of a crowd
    kAward,        // the rest of a split to one of its arms
    kDeleteSplit,  // its arms
  };
  enum class Mode { kReplace, kAdd, kRemove };
  Kind kind = Kind::kCreate;
  std::string request_id;
  std::string name;                // of the crowd, or of the split
  std::vector<std::string> names;  // kRefresh
  CrowdRule rule;                  // kCreate
  std::string text;                // kCreate: the rule's
  Mode mode = Mode::kReplace;      // kUpload, and both below
  bool creates = false;
  std::vector<std::string> ids;
  std::string source;     // kSplit, and below
  uint32_t share = 0;     // millionths
  std::string winner;     // kAward: "A" or "B"
  bool for_good = false;  // kDelete, kDeleteSplit: expires at once

  // One line, for the expected-state file.
  std::string ToString() const;
};

// What a call is answered, as far as a retry must be answered the same.
struct CrowdAnswer {
  struct Version {
    std::string crowd;
    uint32_t number = 0;
    uint64_t computed_count = 0;
    uint64_t added = 0;
    uint64_t removed = 0;
    uint64_t data_version = 0;  // that it was computed on; 0 in what Apply returns
    friend bool operator==(const Version&, const Version&) = default;
  };
  std::string what;  // name and state of the crowd, or arms, states and buckets of the split
  std::vector<Version> versions;
  std::optional<UploadCounts> upload;
  uint64_t data_version = 0;  // not compared: the newest one when it was answered

  friend bool operator==(const CrowdAnswer& a, const CrowdAnswer& b) {
    return a.what == b.what && a.versions == b.versions && a.upload == b.upload;
  }
  std::string ToString() const;
};

// An arm as an answer of its split names it: "w0s7.A READY 0-100000+200000-1000000".
std::string ArmText(const std::string& crowd, const std::string& state, const BucketRanges& ranges);
// What the server prints as an arm's expression.
std::string ArmRule(const std::string& source, const std::string& salt, const BucketRanges& ranges);

// One that `state` allows. New crowds and the request are named after `call`, which is never given
// twice for a writer: "w2c17", "w2l17", "w2s17", "w2r17".
CrowdOperation RandomCrowdOperation(const CrashState& state, int writer, uint64_t call,
                                    std::mt19937_64& random);

// What the server must answer. REQUIRES: `state` allows the operation.
CrowdAnswer Apply(const CrowdOperation& operation, CrashState& state);
// A write of users; whoever it erases leaves all versions.
void Apply(const Operation& operation, CrashState& state);
// What a cut call may leave besides nothing and everything: the crowd of an upload that makes it,
// without a version (proto/throng/v1/upload.proto, UploadHeader.create).
std::optional<CrashState> Halfway(const CrowdOperation& operation, const CrashState& state);

// Keeps what an answer says of versions and Apply does not know.
void NoteDataVersions(const CrowdAnswer& answer, CrowdModel& crowds);

// The first difference in words; empty if there is none. Ids of deleted crowds are not compared:
// nobody can read them.
std::string Difference(const CrashState& expected, const CrashState& actual);

}  // namespace throng::crash

#endif  // THRONG_TESTS_CRASH_CRASH_CROWDS_H_
