// Feeds any messages to the converters that make the engine's requests of the API's: much faster
// than whole calls (fuzz/call_fuzzer.cc). Inputs: fuzz/message_input.h, the name is the message's.
// An expression that is taken must come back from its tree, and its text must be read as itself.
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fuzz/message_input.h"
#include "fuzz/require.h"
#include "index/error.h"
#include "query/formatter.h"
#include "query/parser.h"
#include "server/service/convert_batch.h"
#include "server/service/convert_compare.h"
#include "server/service/convert_cross_tab.h"
#include "server/service/convert_crowd.h"
#include "server/service/convert_curve.h"
#include "server/service/convert_expression.h"
#include "server/service/convert_identity.h"
#include "server/service/convert_membership.h"
#include "server/service/convert_overlap.h"
#include "server/service/convert_package.h"
#include "server/service/convert_selection.h"
#include "server/service/convert_split.h"
#include "server/service/convert_statistics.h"
#include "server/service/convert_tag.h"
#include "server/service/convert_upload.h"
#include "server/service/convert_user.h"
#include "server/service/page_token.h"

namespace {

using namespace throng::service;  // NOLINT: the subject of this file
using throng::fuzz::Require;
namespace v1 = throng::v1;

// An error of a request says what is wrong; one of a field, where.
void CheckStatus(const absl::Status& status) {
  if (status.ok()) return;
  Require(!status.message().empty(), "an error that says nothing");
  Require(status.code() == absl::StatusCode::kInvalidArgument ||
              status.code() == absl::StatusCode::kResourceExhausted,
          "a request that is the server's fault", status.ToString());
}

template <typename Result>
void CheckStatus(const absl::StatusOr<Result>& result) {
  CheckStatus(result.status());
}

void CheckExpression(const v1::Expression& proto) {
  const auto expression = ToExpression(proto, {}, FieldPath("tree"));
  CheckStatus(expression);
  if (!expression.ok() || !throng::query::Validate(*expression, {}).ok()) return;
  v1::Expression tree;
  ExpressionToProto(*expression, &tree);
  const auto of_tree = ToExpression(tree, {}, FieldPath("tree"));
  Require(of_tree.ok() && *of_tree == *expression, "a tree of another expression");
  const std::string text = throng::query::Format(*expression);
  const auto of_text = throng::query::Parse(text, {});
  // Days and times are written as texts, and read as such: it is the tag that makes times of them.
  Require(of_text.ok() && throng::query::Format(*of_text) == text, "a text of another one", text);
}

void CheckSelection(const v1::Selection& proto) {
  const FieldPath field("selection");
  CheckStatus(ToSelection(proto, {}, field));
  CheckStatus(ToBaseline(proto, "default", {}));
  CheckStatus(ToExclude(proto, field));
  if (proto.has_tree()) CheckExpression(proto.tree());
}

void CheckCompare(const v1::CompareRequest& proto) {
  const auto selection = ToSelection(proto.selection(), {}, FieldPath("selection"));
  if (selection.ok()) CheckStatus(ToCompare(proto, *selection, {}));
}

void CheckCheck(const v1::CheckRequest& proto) {
  std::vector<throng::engine::CrowdVersionRef> crowds;
  CheckStatus(ToCheckRequest(proto, &crowds));
}

void CheckBatchCheck(const v1::BatchCheckRequest& proto) {
  std::vector<std::string_view> ids;
  CheckStatus(ToBatchCheckRequest(proto, &ids));
}

void CheckStatistics(const v1::StatisticsRequest& proto) {
  CheckStatus(ToStatistics(proto));
  for (const std::string& percentile : proto.percentiles()) {
    const auto percent = ToPercent(percentile);
    if (percent.has_value()) {
      Require(ToPercent(PercentText(*percent)) == percent, "a percentile of two texts", percentile);
    }
  }
}

void CheckPage(const v1::ListCrowdsRequest& proto) {
  CheckStatus(throng::service::ToPage(proto, 100, 1'000));
}

using Check = std::function<void(const google::protobuf::Message&)>;

template <typename Message, typename Function>
void Add(std::map<std::string_view, Check>* checks, const Function& function) {
  const Check check = [function](const google::protobuf::Message& message) {
    function(static_cast<const Message&>(message));
  };
  const google::protobuf::Descriptor* type = Message::descriptor();
  checks->emplace(type->name(), check);
}

// A converter that takes a message alone.
#define THRONG_CONVERTER(Message, Convert) \
  Add<v1::Message>(checks, [](const v1::Message& proto) { CheckStatus(Convert(proto)); })

void AddWrites(std::map<std::string_view, Check>* checks) {
  THRONG_CONVERTER(LoadHeader, ToLoadHeader);
  THRONG_CONVERTER(ColumnBatch, ToColumnBatch);
  THRONG_CONVERTER(WriteUsersRequest, ToWriteUsers);
  THRONG_CONVERTER(LinkIdsRequest, ToLinkRequest);
  THRONG_CONVERTER(ResolveIdsRequest, ToResolveRequest);
  THRONG_CONVERTER(EraseUsersRequest, ToEraseRequest);
  THRONG_CONVERTER(CreateIdTypeRequest, ToIdType);
  THRONG_CONVERTER(CreateTagRequest, ToDefinition);
  THRONG_CONVERTER(UpdateTagRequest, ToUpdate);
  THRONG_CONVERTER(UploadHeader, ToUploadRequest);
  THRONG_CONVERTER(IdColumn, ToUploadIds);
  THRONG_CONVERTER(CreateSplitRequest, ToCreateSplit);
  THRONG_CONVERTER(CreatePackageRequest, ToCreatePackage);
  Add<v1::CreateCrowdRequest>(
      checks, [](const v1::CreateCrowdRequest& proto) { CheckStatus(ToCreateCrowd(proto, {})); });
  Add<v1::UpdateCrowdRequest>(
      checks, [](const v1::UpdateCrowdRequest& proto) { CheckStatus(ToUpdateCrowd(proto, {})); });
}

void AddReads(std::map<std::string_view, Check>* checks) {
  THRONG_CONVERTER(CrossTabRequest, ToCrossTab);
  THRONG_CONVERTER(CurveRequest, ToCurve);
  THRONG_CONVERTER(CheckSetup, ToSessionSetup);
  Add<v1::Expression>(checks, CheckExpression);
  Add<v1::Selection>(checks, CheckSelection);
  Add<v1::CompareRequest>(checks, CheckCompare);
  Add<v1::CheckRequest>(checks, CheckCheck);
  Add<v1::BatchCheckRequest>(checks, CheckBatchCheck);
  Add<v1::StatisticsRequest>(checks, CheckStatistics);
  Add<v1::ListCrowdsRequest>(checks, CheckPage);
  Add<v1::OverlapRequest>(
      checks, [](const v1::OverlapRequest& proto) { CheckStatus(ToOverlap(proto, {})); });
  Add<v1::PackageSpec>(checks, [](const v1::PackageSpec& proto) {
    CheckStatus(ToPackageSpec(proto, FieldPath("spec")));
  });
}

const std::map<std::string_view, Check>& Checks() {
  static const auto* checks = [] {
    auto* made = new std::map<std::string_view, Check>();
    AddWrites(made);
    AddReads(made);
    return made;
  }();
  return *checks;
}

// The message that the name says, or any for a name that says none.
const std::pair<const std::string_view, Check>& CheckOf(std::string_view name) {
  const auto found = Checks().find(name);
  if (found != Checks().end()) return *found;
  const size_t place = std::hash<std::string_view>()(name) % Checks().size();
  return *std::next(Checks().begin(), static_cast<std::ptrdiff_t>(place));
}

const google::protobuf::Descriptor* TypeOf(std::string_view name) {
  return google::protobuf::DescriptorPool::generated_pool()->FindMessageTypeByName(
      "throng.v1." + std::string(name));
}

}  // namespace

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t size_max,
                                          unsigned seed) {
  const auto input = throng::fuzz::SplitInput({reinterpret_cast<const char*>(data), size});
  return throng::fuzz::MutateInput(data, size, size_max, seed, TypeOf(CheckOf(input.name).first));
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto input = throng::fuzz::SplitInput({reinterpret_cast<const char*>(data), size});
  const auto& [name, check] = CheckOf(input.name);
  const std::unique_ptr<google::protobuf::Message> message(
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(TypeOf(name))->New());
  if (throng::fuzz::ParseMessage(input.bodies.front(), message.get())) check(*message);
  return 0;
}
