// The calls of the soak: each is one call to the server, checked for what its answer must say.
//
//   SoakClient client("127.0.0.1:7400");
//   absl::Status status = client.Write({{.index = 7, .city = 3, .paired = true}});
//   absl::StatusOr<v1::CountResponse> count = client.Count("left and city = 'c3'");
//
// Tags: city (CATEGORY), interests (LABELS: one label of each group), views (INTEGER), left and
// right (FLAG, always written as a pair), cohort (CATEGORY, only ever replaced as a whole). Ids:
// "u7", and phones.
#ifndef THRONG_TESTS_SOAK_SOAK_CLIENT_H_
#define THRONG_TESTS_SOAK_SOAK_CLIENT_H_

#include <grpcpp/grpcpp.h>

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "throng/v1/admin.grpc.pb.h"
#include "throng/v1/insight.grpc.pb.h"
#include "throng/v1/population.grpc.pb.h"
#include "throng/v1/selection.grpc.pb.h"
#include "throng/v1/tag.grpc.pb.h"
#include "throng/v1/user.grpc.pb.h"

namespace throng::soak {

inline constexpr uint32_t kLabelGroups = 4;
inline constexpr uint32_t kLabelsPerGroup = 8;

std::string UserId(uint32_t index);
std::string Label(uint32_t group, uint32_t label);

// New values of a user; what is absent stays as it is.
struct SoakUser {
  uint32_t index = 0;
  std::optional<uint32_t> city;
  std::optional<uint32_t> views;
  std::optional<bool> paired;  // left and right
  std::array<std::optional<uint32_t>, kLabelGroups> labels;
};

// Errors of a call name it and keep its code; an answer that is wrong is kInternal. No call waits
// longer than kCallSeconds. Thread-safe: nothing changes after construction.
class SoakClient {
 public:
  static constexpr int kCallSeconds = 120;

  explicit SoakClient(const std::string& address);

  absl::Status CreateTags() const;
  // Users that exist (`are_new` false) or that nobody has.
  absl::Status Write(const std::vector<SoakUser>& users, bool are_new) const;
  absl::Status Erase(const std::vector<uint32_t>& users) const;

  struct Phone {
    uint32_t user = 0;
    std::string phone;
  };
  // `linked` of the phones are new, the others known.
  absl::Status Link(const std::vector<Phone>& phones, uint64_t linked) const;

  // The next batch; empty ends the load. All values of a user are there.
  using NextUsers = std::function<std::vector<SoakUser>()>;
  absl::Status Upsert(const NextUsers& next, bool are_new) const;
  // A load that replaces cohort of all `users` by "g<generation>_<index modulo 16>".
  absl::Status ReplaceCohort(uint32_t users, uint32_t generation) const;

  absl::StatusOr<v1::CountResponse> Count(const std::string& expression,
                                          uint64_t read_version = 0) const;
  absl::StatusOr<v1::BreakdownResponse> Breakdown(const std::string& expression,
                                                  const std::vector<std::string>& tags) const;
  absl::StatusOr<v1::Portrait> GetPortrait(uint32_t user) const;
  // The number of rows, which is what the first frame announces.
  absl::StatusOr<uint64_t> Export(const std::string& expression) const;

  absl::StatusOr<v1::ServerStats> GetStats() const;
  absl::Status CreateBackup(const std::string& name) const;
  // Names, the oldest first; a damaged one is an error.
  absl::StatusOr<std::vector<std::string>> ListBackups() const;

 private:
  // The next batch, without its number; false ends the load.
  using NextBatch = std::function<bool(v1::ColumnBatch*)>;
  absl::Status Load(const v1::LoadHeader& header, const NextBatch& next) const;

  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<v1::AdminService::Stub> admin_;
  const std::unique_ptr<v1::InsightService::Stub> insights_;
  const std::unique_ptr<v1::PopulationService::Stub> populations_;
  const std::unique_ptr<v1::SelectionService::Stub> selections_;
  const std::unique_ptr<v1::TagService::Stub> tags_;
  const std::unique_ptr<v1::UserService::Stub> users_;
};

}  // namespace throng::soak

#endif  // THRONG_TESTS_SOAK_SOAK_CLIENT_H_
