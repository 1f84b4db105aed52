// throng id-types: create and list the id types of a population.
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/json_output.h"
#include "cli/table.h"
#include "cli/terminal_text.h"
#include "cli/value_text.h"
#include "cli/withheld.h"
#include "fmt/format.h"
#include "throng/v1/population.grpc.pb.h"

namespace throng::cli {
namespace {

constexpr const char* kExamples = R"help(Examples:
  throng id-types list
  throng id-types create phone --normalize phone-digits --display-name "Mobile number"
  throng id-types create email_sha256 --normalize trim --normalize lowercase-hex)help";

const std::map<std::string, v1::IdNormalizer>& Normalizers() {
  static const std::map<std::string, v1::IdNormalizer> names = {
      {"trim", v1::ID_NORMALIZER_TRIM},
      {"lowercase-hex", v1::ID_NORMALIZER_LOWERCASE_HEX},
      {"phone-digits", v1::ID_NORMALIZER_PHONE_DIGITS},
      {"lowercase", v1::ID_NORMALIZER_LOWERCASE}};
  return names;
}

std::vector<std::string> NormalizerNames(const v1::IdType& type) {
  std::vector<std::string> names;
  for (const int normalizer : type.normalizers()) {
    for (const auto& [name, value] : Normalizers()) {
      if (value == normalizer) names.push_back(name);
    }
  }
  return names;
}

Json IdTypeJson(const v1::IdType& type) {
  Json json = {{"name", LastPart(type.name())},
               {"display_name", type.display_name()},
               {"normalizers", NormalizerNames(type)},
               {"primary", type.primary()},
               {"id_count", type.id_count()}};
  MarkWithheld(type, json);
  return json;
}

void AddRow(const v1::IdType& type, Table* table) {
  std::string normalizers;
  for (const std::string& name : NormalizerNames(type)) {
    normalizers += normalizers.empty() ? name : ", " + name;
  }
  table->AddRow({LastPart(type.name()), NumberText(type, "id_count", type.id_count()),
                 type.primary() ? "yes" : "", normalizers, type.display_name()});
}

Table NewTable() {
  return Table({{"ID TYPE"}, {"IDS", Table::Align::kRight}, {"PRIMARY"}, {"NORMALIZED"}, {"NAME"}});
}

int RunList(const GlobalOptions& options) {
  v1::ListIdTypesRequest request;
  request.set_parent(PopulationName(options));
  v1::ListIdTypesResponse response;
  grpc::ClientContext context;
  SetDeadline(options, context);
  const auto stub = v1::PopulationService::NewStub(Connect(options));
  const grpc::Status status = stub->ListIdTypes(&context, request, &response);
  if (!status.ok()) return ReportFailure(status, options);
  Table table = NewTable();
  Json types = Json::array();
  for (const v1::IdType& type : response.id_types()) {
    AddRow(type, &table);
    types.push_back(IdTypeJson(type));
  }
  if (options.json) {
    PrintJson({{"id_types", std::move(types)}});
  } else {
    fmt::print("{}", table.Render());
  }
  return kExitOk;
}

int RunCreate(v1::CreateIdTypeRequest request, const GlobalOptions& options) {
  request.set_parent(PopulationName(options));
  v1::IdType type;
  grpc::ClientContext context;
  SetDeadline(options, context);
  const auto stub = v1::PopulationService::NewStub(Connect(options));
  const grpc::Status status = stub->CreateIdType(&context, request, &type);
  if (!status.ok()) return ReportFailure(status, options);
  if (options.json) {
    PrintJson(IdTypeJson(type));
    return kExitOk;
  }
  Table table = NewTable();
  AddRow(type, &table);
  fmt::print("{}", table.Render());
  return kExitOk;
}

}  // namespace

void RegisterIdTypesCommand(CLI::App& app, GlobalOptions& options, int& exit_code) {
  CLI::App* group = app.add_subcommand("id-types", "List and create id types");
  group->require_subcommand(1, 1);
  group->footer(kExamples);

  CLI::App* list = group->add_subcommand("list", "All id types, the primary one first");
  list->footer(kExamples);
  list->callback([&options, &exit_code] { exit_code = RunList(options); });

  CLI::App* create = group->add_subcommand("create", "Declare an id type");
  struct Arguments {
    std::string name, display_name;
    std::vector<std::string> normalizers;
  };
  auto arguments = std::make_shared<Arguments>();
  create->add_option("NAME", arguments->name, "The id type's name")->type_name("")->required();
  create->add_option("--display-name", arguments->display_name, "A name for people")
      ->type_name("TEXT");
  create
      ->add_option("--normalize", arguments->normalizers,
                   "What is done to an id before it is kept or looked up; may be repeated")
      ->check(CLI::IsMember({"trim", "lowercase-hex", "phone-digits", "lowercase"}))
      ->allow_extra_args(false);
  create->footer(kExamples);
  create->callback([arguments, &options, &exit_code] {
    v1::CreateIdTypeRequest request;
    request.set_id_type_id(arguments->name);
    request.mutable_id_type()->set_display_name(arguments->display_name);
    for (const std::string& name : arguments->normalizers) {
      request.mutable_id_type()->add_normalizers(Normalizers().at(name));
    }
    exit_code = RunCreate(request, options);
  });
}

}  // namespace throng::cli
