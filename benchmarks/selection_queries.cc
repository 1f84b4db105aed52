#include "benchmarks/selection_queries.h"

#include <algorithm>
#include <memory>
#include <numeric>
#include <utility>

#include "benchmarks/query_texts.h"
#include "benchmarks/random.h"
#include "fmt/format.h"
#include "roaring/roaring.h"

namespace throng::bench {
namespace {

constexpr uint32_t kListed = 1'000'000;  // ids of the list of Q9
constexpr uint32_t kProbes = 1'000;      // members asked for in Q11

std::vector<uint32_t> Codes(uint32_t first, uint32_t count) {
  std::vector<uint32_t> codes(count);
  std::iota(codes.begin(), codes.end(), first);
  return codes;
}

std::vector<uint32_t> CodesBut(uint32_t count, const std::vector<uint32_t>& omitted) {
  std::vector<uint32_t> codes = Codes(0, count);
  for (uint32_t code : omitted) std::erase(codes, code);
  return codes;
}

std::string AnyOfText(const std::string& tag, const std::vector<uint32_t>& codes) {
  std::string list;
  for (uint32_t code : codes) list += fmt::format("{}'v{}'", list.empty() ? "" : ", ", code);
  return fmt::format("{} in ({})", tag, list);
}

uint64_t Cardinality(const Roaring& bitmap) { return roaring_bitmap_get_cardinality(bitmap.get()); }

std::string Q4() {
  return AnyOfText("city", Codes(10, 50)) + " and gender = 'v1' and not is_graduate";
}

// Q3's users but for the last of the five, which the caller intersects with in its own way.
Roaring FourOfQ3(const Reference& r) {
  Roaring users(roaring_bitmap_and(r.Value("gender", 0), r.Value("age_band", 0)));
  roaring_bitmap_and_inplace(users.get(), r.Value("device", 0));
  roaring_bitmap_and_inplace(users.get(), r.Value("membership", 0));
  return users;
}

Roaring Q4Crowd(const Reference& r) {
  Roaring users = r.AnyOf("city", Codes(10, 50));
  roaring_bitmap_and_inplace(users.get(), r.Value("gender", 1));
  roaring_bitmap_andnot_inplace(users.get(), r.Value("is_graduate", 0));
  return users;
}

uint64_t Q5Count(const Reference& r) {
  const Roaring a(roaring_bitmap_and(r.Value("city", 1), r.Value("device", 0)));
  const Roaring b(roaring_bitmap_andnot(r.Value("channel", 2), r.Value("is_graduate", 0)));
  const Roaring c(roaring_bitmap_and(r.Value("age_band", 1), r.Value("membership", 1)));
  roaring_bitmap_and_inplace(c.get(), r.Value("product_type", 1));
  roaring_bitmap_or_inplace(a.get(), b.get());
  roaring_bitmap_or_inplace(a.get(), c.get());
  return roaring_bitmap_and_cardinality(a.get(), r.Value("gender", 0));
}

uint64_t Q6Count(const Reference& r) {
  const Roaring users = r.AnyOf("interests", Codes(0, 200));
  roaring_bitmap_andnot_inplace(users.get(), r.Value("device", 1));
  roaring_bitmap_andnot_inplace(users.get(), r.Value("membership", 2));
  roaring_bitmap_andnot_inplace(users.get(), r.Value("lease_expiring", 0));
  return Cardinality(users);
}

// Makes the queries; what several of them share is kept alive by those that use it.
class QueryMaker {
 public:
  QueryMaker(const BenchSession& session, const Reference& reference, uint64_t seed)
      : session_(session), reference_(reference), random_(seed * 1000 + 777) {}

  std::vector<SelectionQuery> Make() {
    AddCounts();
    AddBreakdown();
    AddList();
    AddExport();
    AddMembership();
    AddSum();
    return std::move(queries_);
  }

 private:
  // A query that counts.
  void Add(std::string name, std::string title, const std::string& text,
           std::function<uint64_t(const Reference&)> reference) {
    queries_.push_back({
        .name = std::move(name),
        .title = std::move(title),
        .throng = [this_session = &session_,
                   text](Answer* answer) { answer->assign(1, this_session->Count(text)); },
        .reference = [r = &reference_, reference = std::move(reference)](
                         Answer* answer) { answer->assign(1, reference(*r)); },
        .operand_bytes = session_.OperandBytes(session_.Logical(text)),
    });
  }

  void AddAnyOf(std::string name, std::string title, const std::vector<uint32_t>& codes) {
    Add(std::move(name), std::move(title), AnyOfText("interests", codes),
        [codes](const Reference& r) { return Cardinality(r.AnyOf("interests", codes)); });
  }

  void AddCounts() {
    Add("Q1", "one city", kQ1,
        [](const Reference& r) { return roaring_bitmap_get_cardinality(r.Value("city", 1)); });
    Add("Q2", "city and number", kQ2, [](const Reference& r) {
      return roaring_bitmap_and_cardinality(r.Value("city", 1), r.AtLeast("views_7d", 4).get());
    });
    Add("Q3", "and of 5 dense tags", kQ3, [](const Reference& r) {
      return roaring_bitmap_and_cardinality(FourOfQ3(r).get(), r.Value("product_type", 0));
    });
    Add("Q4", "or of 50 cities, and, not", Q4(),
        [](const Reference& r) { return Cardinality(Q4Crowd(r)); });
    Add("Q5", "or of ands, and", kQ5, Q5Count);
    Add("Q6", "or of 200 labels, minus 3",
        AnyOfText("interests", Codes(0, 200)) +
            " and not (device = 'v1' or membership = 'v2' or lease_expiring)",
        Q6Count);
    AddAnyOf("Q6b", "or of 60 labels", Codes(0, 60));
    AddAnyOf("Q6c", "or of 197 labels, rarest out", Codes(0, 197));
    AddAnyOf("Q6d", "or of 197 labels, popular out", CodesBut(200, {0, 5, 9}));
    Add("Q7", "two numbers", ShortQueryTexts().back(), [](const Reference& r) {
      const Roaring spend = r.Between("spend", 100, 5000);
      const Roaring recent = r.Between("last_active_days", 0, 7);
      return roaring_bitmap_and_cardinality(spend.get(), recent.get());
    });
  }

  void AddBreakdown() {
    const std::vector<std::string> tags = {"city", "age_band", "gender", "interests", "channel"};
    queries_.push_back({
        .name = "Q8",
        .title = "breakdown of Q4, 561 values",
        .throng =
            [session = &session_, tags, text = Q4()](Answer* answer) {
              std::vector<query::TagCounts> counts;
              answer->assign(1, session->Breakdown(text, tags, &counts));
              for (const query::TagCounts& tag : counts) {
                answer->insert(answer->end(), tag.counts.begin(), tag.counts.end());
              }
            },
        .reference =
            [r = &reference_, tags](Answer* answer) {
              const Roaring crowd = Q4Crowd(*r);
              answer->assign(1, Cardinality(crowd));
              for (const std::string& tag : tags) {
                for (uint32_t code = 0; code < r->value_count(tag); ++code) {
                  answer->push_back(
                      roaring_bitmap_and_cardinality(crowd.get(), r->Value(tag, code)));
                }
              }
            },
        .operand_bytes = session_.OperandBytes(session_.Logical(Q4())) + session_.TagBytes(tags),
    });
  }

  std::shared_ptr<const std::vector<uint32_t>> DrawOrdinals(uint32_t count) {
    auto ordinals = std::make_shared<std::vector<uint32_t>>(count);
    for (uint32_t& ordinal : *ordinals) {
      ordinal = static_cast<uint32_t>(random_.Next() % session_.snapshot().ordinal_end());
    }
    return ordinals;
  }

  // Both sides make their set of the unsorted list while they are timed.
  void AddList() {
    const auto list = DrawOrdinals(kListed);
    queries_.push_back({
        .name = "Q9",
        .title = "list of 1M and Q3",
        .throng =
            [session = &session_, list](Answer* answer) {
              query::LogicalAnd both{{{query::Ordinals{index::OrdinalSet::FromOrdinals(*list)}},
                                      session->Logical(kQ3)}};
              answer->assign(1, session->Count({std::move(both)}));
            },
        .reference =
            [r = &reference_, list](Answer* answer) {
              const Roaring users(roaring_bitmap_of_ptr(list->size(), list->data()));
              for (const char* tag : {"product_type", "age_band", "device", "membership"}) {
                roaring_bitmap_and_inplace(users.get(), r->Value(tag, 0));
              }
              answer->assign(1, roaring_bitmap_and_cardinality(users.get(), r->Value("gender", 0)));
            },
        .operand_bytes =
            session_.OperandBytes(session_.Logical(kQ3)) + list->size() * sizeof(uint32_t),
    });
  }

  void AddExport() {
    queries_.push_back({
        .name = "Q10",
        .title = "export of Q4, ids as text",
        .throng =
            [session = &session_, text = Q4()](Answer* answer) {
              IdFrames frames;
              const uint64_t users = session->Export(text, &frames);
              *answer = {users, frames.bytes(), frames.checksum()};
            },
        .reference =
            [r = &reference_](Answer* answer) {
              const Roaring crowd = Q4Crowd(*r);
              IdFrames frames;
              roaring_uint32_iterator_t users;
              for (roaring_iterator_init(crowd.get(), &users); users.has_value;
                   roaring_uint32_iterator_advance(&users)) {
                frames.Append(r->ids()[users.current_value]);
              }
              frames.Flush();
              *answer = {Cardinality(crowd), frames.bytes(), frames.checksum()};
            },
    });
  }

  void AddMembership() {
    const std::shared_ptr<const index::OrdinalSet> set = session_.Select(Q4());
    const std::shared_ptr<roaring_bitmap_t> bitmap(Q4Crowd(reference_).release(),
                                                   roaring_bitmap_free);
    const auto probes = DrawOrdinals(kProbes);
    // Every call asks for the next of the probes; both sides walk through the same ones.
    queries_.push_back({
        .name = "Q11",
        .title = "is 1 user in Q4",
        .throng =
            [set, probes, next = 0u](Answer* answer) mutable {
              answer->assign(1, set->Contains((*probes)[next++ % kProbes]) ? 1 : 0);
            },
        .reference =
            [bitmap, probes, next = 0u](Answer* answer) mutable {
              answer->assign(
                  1, roaring_bitmap_contains(bitmap.get(), (*probes)[next++ % kProbes]) ? 1 : 0);
            },
    });
    queries_.push_back({
        .name = "Q11k",
        .title = "are 1,000 users in Q4",
        .throng =
            [set, probes](Answer* answer) {
              uint64_t members = 0;
              for (uint32_t ordinal : *probes) members += set->Contains(ordinal) ? 1 : 0;
              answer->assign(1, members);
            },
        .reference =
            [bitmap, probes](Answer* answer) {
              uint64_t members = 0;
              for (uint32_t ordinal : *probes) {
                members += roaring_bitmap_contains(bitmap.get(), ordinal) ? 1 : 0;
              }
              answer->assign(1, members);
            },
    });
  }

  void AddSum() {
    queries_.push_back({
        .name = "Q12",
        .title = "sum of spend over Q3",
        .throng =
            [session = &session_](Answer* answer) {
              const query::TagStatistics spend = session->Statistics(kQ3, "spend");
              *answer = {spend.users, static_cast<uint64_t>(*spend.Sum())};
            },
        .reference =
            [r = &reference_](Answer* answer) {
              const Roaring crowd = FourOfQ3(*r);
              roaring_bitmap_and_inplace(crowd.get(), r->Value("product_type", 0));
              *answer = {Cardinality(crowd), r->Sum("spend", crowd.get())};
            },
        .operand_bytes =
            session_.OperandBytes(session_.Logical(kQ3)) + session_.TagBytes({"spend"}),
    });
  }

  const BenchSession& session_;
  const Reference& reference_;
  Random random_;
  std::vector<SelectionQuery> queries_;
};

}  // namespace

std::vector<SelectionQuery> SelectionQueries(const BenchSession& session,
                                             const Reference& reference, uint64_t seed) {
  return QueryMaker(session, reference, seed).Make();
}

const std::vector<std::string>& ShortQueryTexts() {
  static const auto& texts = *new std::vector<std::string>{kQ1, kQ2, kQ3, Q4(), kQ5, kQ7};
  return texts;
}

}  // namespace throng::bench
