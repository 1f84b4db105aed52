#include "tests/crash/crash_model.h"

#include <algorithm>

#include "fmt/format.h"

namespace throng::crash {
namespace {

constexpr int kCities = 12;
constexpr int kInterests = 20;

uint64_t Below(std::mt19937_64& random, uint64_t bound) { return random() % bound; }

std::string City(std::mt19937_64& random) { return fmt::format("c{}", Below(random, kCities)); }

Operation::Change RandomWrite(std::string id, std::mt19937_64& random) {
  Operation::Change change{.id = std::move(id)};
  if (Below(random, 2) == 0) change.city = Below(random, 4) == 0 ? "" : City(random);
  if (Below(random, 3) == 0) change.vip = Below(random, 2) == 0;
  for (uint64_t i = Below(random, 4); i > 0; --i) {
    change.added.push_back(fmt::format("i{}", Below(random, kInterests)));
  }
  // Labels of other numbers, so that none is both added and removed.
  for (uint64_t i = Below(random, 3); i > 0; --i) {
    std::string label = fmt::format("i{}", Below(random, kInterests));
    if (std::find(change.added.begin(), change.added.end(), label) == change.added.end()) {
      change.removed.push_back(std::move(label));
    }
  }
  return change;
}

Operation::Change RandomRow(std::string id, std::mt19937_64& random) {
  Operation::Change change{.id = std::move(id)};
  change.person.city = City(random);
  if (Below(random, 5) != 0) change.person.views = static_cast<int64_t>(Below(random, 1000)) - 500;
  return change;
}

std::string Describe(const Person& person) {
  return fmt::format("city {}, views {}, vip {}, interests [{}], phones [{}]",
                     person.city.value_or("-"), person.views ? std::to_string(*person.views) : "-",
                     person.vip, fmt::join(person.interests, " "), fmt::join(person.phones, " "));
}

std::string_view NameOf(Operation::Kind kind) {
  switch (kind) {
    case Operation::Kind::kWrite:
      return "write";
    case Operation::Kind::kUpsert:
      return "upsert";
    case Operation::Kind::kReplace:
      return "replace";
    case Operation::Kind::kLink:
      return "link";
    case Operation::Kind::kErase:
      return "erase";
  }
  return "";
}

// Links or erases a few of the users there are.
Operation RandomIdOperation(Operation::Kind kind, const CrashModel& model,
                            std::mt19937_64& random) {
  Operation operation{.kind = kind, .changes = {}};
  for (const auto& [id, person] : model) {
    if (Below(random, 8) != 0) continue;
    Operation::Change& change = operation.changes.emplace_back();
    change.id = id;
    if (kind == Operation::Kind::kErase) continue;
    for (uint64_t i = 1 + Below(random, 3); i > 0; --i) {
      change.phones.push_back(fmt::format("{}p{}", id, Below(random, 12)));
    }
  }
  return operation;
}

}  // namespace

std::string Operation::ToString() const {
  std::string text(NameOf(kind));
  for (const Change& change : changes) {
    text +=
        fmt::format(" {}({})", change.id,
                    kind == Kind::kLink ? fmt::format("{}", fmt::join(change.phones, "+"))
                    : kind == Kind::kWrite
                        ? fmt::format("{};{};+{};-{}", change.city.value_or("-"),
                                      change.vip ? std::to_string(*change.vip) : "-",
                                      fmt::join(change.added, "+"), fmt::join(change.removed, "-"))
                        : Describe(change.person));
  }
  return text;
}

Operation RandomOperation(const CrashModel& model, int writer, int users_max,
                          std::mt19937_64& random) {
  Operation operation;
  const uint64_t kind = Below(random, 12);
  if (kind == 0 && !model.empty()) {
    operation.kind = Operation::Kind::kReplace;
    for (const auto& [id, person] : model) {
      if (Below(random, 4) != 0) operation.changes.push_back(RandomRow(id, random));
    }
    return operation;
  }
  if (kind < 3 && !model.empty()) {
    return RandomIdOperation(kind == 1 ? Operation::Kind::kLink : Operation::Kind::kErase, model,
                             random);
  }
  operation.kind = kind < 5 ? Operation::Kind::kUpsert : Operation::Kind::kWrite;
  std::set<std::string> ids;
  for (uint64_t i = 1 + Below(random, 30); i > 0; --i) {
    ids.insert(fmt::format("w{}u{}", writer, Below(random, static_cast<uint64_t>(users_max))));
  }
  for (const std::string& id : ids) {
    operation.changes.push_back(operation.kind == Operation::Kind::kWrite ? RandomWrite(id, random)
                                                                          : RandomRow(id, random));
  }
  return operation;
}

void Apply(const Operation& operation, CrashModel& model) {
  if (operation.kind == Operation::Kind::kReplace) {
    for (auto& [id, person] : model) {
      person.city.reset();
      person.views.reset();
    }
  }
  for (const Operation::Change& change : operation.changes) {
    if (operation.kind == Operation::Kind::kErase) {
      model.erase(change.id);
      continue;
    }
    Person& person = model[change.id];
    if (operation.kind == Operation::Kind::kLink) {
      person.phones.insert(change.phones.begin(), change.phones.end());
      continue;
    }
    if (operation.kind != Operation::Kind::kWrite) {
      // An upsert leaves what a row does not have; a replace has cleared it.
      person.city = change.person.city;
      if (change.person.views) person.views = change.person.views;
      continue;
    }
    if (change.city) person.city = change.city->empty() ? std::nullopt : change.city;
    if (change.vip) person.vip = *change.vip;
    person.interests.insert(change.added.begin(), change.added.end());
    for (const std::string& label : change.removed) person.interests.erase(label);
  }
}

std::string Difference(const CrashModel& expected, const CrashModel& actual) {
  for (const auto& [id, person] : expected) {
    const auto found = actual.find(id);
    if (found == actual.end()) return fmt::format("user {} is missing", id);
    if (found->second == person) continue;
    return fmt::format("user {} is [{}], not [{}]", id, Describe(found->second), Describe(person));
  }
  for (const auto& [id, person] : actual) {
    if (!expected.contains(id)) return fmt::format("user {} should not exist", id);
  }
  return "";
}

}  // namespace throng::crash
