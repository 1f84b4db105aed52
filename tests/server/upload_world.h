// An engine with short ways to upload ids and to look at what became of them.
//
//   UploadWorld world;
//   UploadInfo upload = world.Upload({.crowd = "vip"}, {"u1", "u2", "nobody"});
//   world.UnmatchedOf("vip", upload.version.version.number).unknown;   // {"nobody"}
#ifndef THRONG_TESTS_SERVER_UPLOAD_WORLD_H_
#define THRONG_TESTS_SERVER_UPLOAD_WORLD_H_

#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "server/engine/uploads.h"
#include "tests/server/crowd_world.h"

namespace throng::engine {

// What ListUnmatched gave.
struct UnmatchedIds {
  std::set<std::string> unknown;
  std::vector<storage::RefusedId> refused;
};

// Not thread-safe.
class UploadWorld : public CrowdWorld {
 public:
  explicit UploadWorld(EngineOptions options = {}) : CrowdWorld(std::move(options)) {}

  Uploads& uploads() { return engine().uploads(); }

  // In frames of at most `frame` ids.
  absl::StatusOr<UploadInfo> TryUpload(UploadRequest request, const std::vector<std::string>& ids,
                                       const WriteOptions& options = {}, size_t frame = 3) {
    if (!request.create.has_value()) request.create = CreateCrowd{};
    absl::StatusOr<std::unique_ptr<UploadSession>> session =
        uploads().Start(context(), request, options);
    if (!session.ok()) return session.status();
    for (size_t begin = 0; begin < ids.size(); begin += frame) {
      std::string data;
      std::vector<uint32_t> ends;
      for (size_t i = begin; i < std::min(ids.size(), begin + frame); ++i) {
        data += ids[i];
        ends.push_back(static_cast<uint32_t>(data.size()));
      }
      const absl::Status added = (*session)->Add(context(), TextsView{.data = data, .ends = ends});
      if (!added.ok()) return added;
    }
    return (*session)->Finish(context());
  }
  UploadInfo Upload(UploadRequest request, const std::vector<std::string>& ids) {
    return Must(TryUpload(std::move(request), ids));
  }
  UnmatchedIds UnmatchedOf(const std::string& crowd, uint32_t number) {
    UnmatchedIds all;
    MustBeOk(
        uploads().ListUnmatched(context(), "default", crowd, number, [&](const Unmatched& part) {
          for (const std::string_view id : part.unknown) {
            EXPECT_TRUE(all.unknown.insert(std::string(id)).second) << id << " twice";
          }
          all.refused.insert(all.refused.end(), part.refused.begin(), part.refused.end());
          return absl::OkStatus();
        }));
    return all;
  }

  void DeclareIdType(const std::string& name, std::vector<index::IdNormalizer> normalizers) {
    MustBeOk(engine()
                 .identities()
                 .CreateIdType(context(), "default",
                               {.name = name, .normalizers = std::move(normalizers)}, {})
                 .status());
  }
  absl::Status TryLink(const std::string& user, const std::string& type, const std::string& id) {
    return engine()
        .identities()
        .Link(context(), {.unknown_ids = UnknownIds::kCreate, .users = {{user, {{type, id}}}}})
        .status();
  }
};

}  // namespace throng::engine

#endif  // THRONG_TESTS_SERVER_UPLOAD_WORLD_H_
