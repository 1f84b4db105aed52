// Populations and tags of the API and of the engine.
//
//   absl::StatusOr<index::TagDefinition> definition = ToDefinition(request);
//   TagToProto("default", info, response);
//
// Every function is thread-safe.
#ifndef THRONG_SERVER_SERVICE_CONVERT_TAG_H_
#define THRONG_SERVER_SERVICE_CONVERT_TAG_H_

#include <string_view>

#include "absl/status/statusor.h"
#include "server/engine/populations.h"
#include "server/engine/tags.h"
#include "throng/v1/population.pb.h"
#include "throng/v1/tag.pb.h"

namespace throng::service {

void PopulationToProto(const engine::PopulationInfo& info, v1::Population* proto);

// The definition that a CreateTag asks for. A state that is not given is ONLINE, max_values 0 is
// the most there can be. Errors: kInvalidArgument: REQUIRED (tag, tag_id), UNSPECIFIED (tag.type,
// an unknown tag.state), BAD_RESOURCE_NAME (tag.name set to another name), VALUE_OUT_OF_RANGE.
absl::StatusOr<index::TagDefinition> ToDefinition(const v1::CreateTagRequest& request);

// The fields that update_mask names. Errors: kInvalidArgument: REQUIRED (tag, an empty mask),
// BAD_FIELD_MASK at "update_mask.paths[i]", UNSPECIFIED (tag.state), VALUE_OUT_OF_RANGE.
// The tag's name is not looked at.
absl::StatusOr<engine::TagUpdate> ToUpdate(const v1::UpdateTagRequest& request);

void TagToProto(std::string_view population, const engine::TagInfo& info, v1::Tag* proto);

v1::TagType TagTypeToProto(index::TagType type);

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_CONVERT_TAG_H_
