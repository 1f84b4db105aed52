// throng parse and throng format: expressions as text and as trees.
#include <memory>
#include <string>
#include <string_view>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/json_output.h"
#include "cli/selection_options.h"
#include "cli/terminal_text.h"
#include "fmt/format.h"
#include "google/protobuf/util/json_util.h"
#include "throng/v1/selection.grpc.pb.h"

namespace throng::cli {
namespace {

constexpr const char* kParseExamples = R"help(Examples:
  throng parse "not city = 'Beijing' and views_7d > 3"
  throng parse --file crowd.txt --json > crowd.json)help";

constexpr const char* kFormatExamples = R"help(Examples:
  throng format crowd.json
  throng parse "views_7d > 3" --json | throng format -
The file holds the tree as protobuf JSON, alone or as "tree" in what parse --json prints.)help";

std::string_view MessageOf(const google::protobuf::util::Status& status) {
  return {status.message().data(), status.message().size()};
}

int PrintTree(const v1::ParseExpressionResponse& response, const GlobalOptions& options) {
  std::string tree;
  google::protobuf::util::JsonPrintOptions print;
  print.add_whitespace = !options.json;
  const auto printed = google::protobuf::util::MessageToJsonString(response.tree(), &tree, print);
  if (!printed.ok()) {
    return ReportFailure(absl::InternalError(fmt::format("the tree cannot be printed as JSON: {}",
                                                         MessageOf(printed))),
                         options);
  }
  if (options.json) {
    Json json = {{"canonical_expression", response.canonical_expression()}};
    json["tree"] = Json::parse(tree, nullptr, /*allow_exceptions=*/false);
    PrintJson(json);
  } else {
    fmt::print("{}\n\n{}", Printable(response.canonical_expression()), tree);
  }
  return kExitOk;
}

int RunParse(const ExpressionSource& source, const GlobalOptions& options) {
  absl::StatusOr<std::string> expression = ReadExpression(source);
  if (!expression.ok()) return ReportUsage(expression.status(), options);
  v1::ParseExpressionRequest request;
  request.set_expression(*expression);
  v1::ParseExpressionResponse response;
  grpc::ClientContext context;
  SetDeadline(options, context);
  const auto stub = v1::SelectionService::NewStub(Connect(options));
  const grpc::Status status = stub->ParseExpression(&context, request, &response);
  if (!status.ok()) return ReportFailure(status, options, *expression);
  return PrintTree(response, options);
}

// The tree in protobuf JSON, alone or as a member "tree". Errors: kInvalidArgument.
absl::StatusOr<v1::Expression> TreeOf(const std::string& text, const std::string& path) {
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) {
    return absl::InvalidArgumentError(fmt::format("{} does not hold a JSON object", path));
  }
  const Json& tree = json.contains("tree") ? json["tree"] : json;
  v1::Expression expression;
  const auto parsed = google::protobuf::util::JsonStringToMessage(
      tree.dump(-1, ' ', false, Json::error_handler_t::replace), &expression);
  if (!parsed.ok()) {
    return absl::InvalidArgumentError(
        fmt::format("{} does not hold an expression tree: {}", path, MessageOf(parsed)));
  }
  return expression;
}

int RunFormat(const std::string& path, const GlobalOptions& options) {
  const absl::StatusOr<std::string> text = ReadTextFile(path);
  if (!text.ok()) return ReportUsage(text.status(), options);
  const absl::StatusOr<v1::Expression> tree = TreeOf(*text, path);
  if (!tree.ok()) return ReportUsage(tree.status(), options);
  v1::FormatExpressionRequest request;
  *request.mutable_tree() = *tree;
  v1::FormatExpressionResponse response;
  grpc::ClientContext context;
  SetDeadline(options, context);
  const auto stub = v1::SelectionService::NewStub(Connect(options));
  const grpc::Status status = stub->FormatExpression(&context, request, &response);
  if (!status.ok()) return ReportFailure(status, options);
  if (options.json) {
    PrintJson({{"expression", response.expression()}});
  } else {
    fmt::print("{}\n", response.expression());
  }
  return kExitOk;
}

}  // namespace

void RegisterExpressionCommands(CLI::App& app, GlobalOptions& options, int& exit_code) {
  CLI::App* parse = app.add_subcommand("parse", "An expression's canonical text and its tree");
  auto source = std::make_shared<ExpressionSource>();
  AddExpressionSource(*parse, *source);
  parse->footer(kParseExamples);
  parse->callback([source, &options, &exit_code] { exit_code = RunParse(*source, options); });

  CLI::App* format = app.add_subcommand("format", "The canonical text of an expression tree");
  auto path = std::make_shared<std::string>();
  format->add_option("FILE", *path, "The tree as JSON; \"-\" reads it from stdin")
      ->type_name("")
      ->required();
  format->footer(kFormatExamples);
  format->callback([path, &options, &exit_code] { exit_code = RunFormat(*path, options); });
}

}  // namespace throng::cli
