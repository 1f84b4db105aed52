// What a caller may do, and the roles that bundle it.
//
//   std::optional<RightSet> rights = FindRole("operator");   // nullopt: no such role
//   rights->Has(Right::kCount);                               // true
//
// Portraits, exports, uploads, membership checks and erasures are rights of their own: each is a
// role, too, so that a caller may be given it and nothing else. Thread-safe: plain values.
#ifndef THRONG_SERVER_ACCESS_RIGHTS_H_
#define THRONG_SERVER_ACCESS_RIGHTS_H_

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>

namespace throng::access {

enum class Right : uint8_t {
  kNobody = 0,      // that no role has: of a call without a rule
  kBrowse = 1,      // names and definitions: populations, tags, crowds
  kCount = 2,       // how many: counts, explanations, insights
  kDefine = 3,      // make, change and compute crowds
  kCheck = 4,       // whether one user is in a crowd
  kExport = 5,      // ids: members, exports, packages, ids of another type
  kPortrait = 6,    // what one user has
  kUpload = 7,      // lists of ids
  kTags = 8,        // make and change tags and id types
  kLoad = 9,        // write users, their values and their ids
  kErase = 10,      // forget users
  kAdminister = 11  // populations, backups, statistics, the sensitivity of tags
};
inline constexpr int kRights = 12;

std::string_view RightName(Right right);  // "count"

class RightSet {
 public:
  constexpr RightSet() = default;
  constexpr RightSet(std::initializer_list<Right> rights) {
    for (const Right right : rights) bits_ |= Bit(right);
  }
  constexpr bool Has(Right right) const { return (bits_ & Bit(right)) != 0; }
  constexpr bool HasAll(const RightSet& others) const { return (others.bits_ & ~bits_) == 0; }
  constexpr void Add(const RightSet& more) { bits_ |= more.bits_; }
  friend constexpr bool operator==(const RightSet&, const RightSet&) = default;

 private:
  static constexpr uint32_t Bit(Right right) { return uint32_t{1} << static_cast<int>(right); }

  uint32_t bits_ = 0;
};

struct Role {
  std::string_view name;
  RightSet rights;
};

// viewer, operator, loader, exporter, admin, and the rights that can be given alone.
std::span<const Role> Roles();
std::optional<RightSet> FindRole(std::string_view name);

}  // namespace throng::access

#endif  // THRONG_SERVER_ACCESS_RIGHTS_H_
