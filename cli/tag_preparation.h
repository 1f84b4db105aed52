// Makes sure that the tags of a schema exist on the server as the schema has them.
//
//   TagPlan plan;
//   grpc::Status status = PlanTags(*stub, options, schema, plan);   // changes nothing
//   if (status.ok()) status = CreateTags(*stub, options, plan);
#ifndef THRONG_CLI_TAG_PREPARATION_H_
#define THRONG_CLI_TAG_PREPARATION_H_

#include <grpcpp/grpcpp.h>

#include <vector>

#include "cli/global_options.h"
#include "cli/schema.h"
#include "throng/v1/tag.grpc.pb.h"

namespace throng::cli {

// Tags that the schema has and the server has not. Points into the schema.
struct TagPlan {
  std::vector<const TagSchema*> missing;
};

// Compares the tags of the schema with the server's. Errors: FAILED_PRECONDITION, naming each tag
// that exists with another type or scale; those of ListTags. Thread-safe.
grpc::Status PlanTags(v1::TagService::StubInterface& stub, const GlobalOptions& options,
                      const Schema& schema, TagPlan& plan);

// Creates the missing tags; one that somebody else has created meanwhile is compared too. Errors:
// those of CreateTag, after the tag's name. Thread-safe.
grpc::Status CreateTags(v1::TagService::StubInterface& stub, const GlobalOptions& options,
                        const TagPlan& plan);

}  // namespace throng::cli

#endif  // THRONG_CLI_TAG_PREPARATION_H_
