// A turn record in the parts that are kept for different times: what was said (words), what it was about
// (values: arguments, results, who called), and everything else (metrics: times, confidences, names of tools).
// Each part alone is nothing that the others give back.
#pragma once

#include "core/json.h"

namespace sotto {

struct RecordParts {
  Json metrics = Json::object();  // a turn record (core/turn_record.h), empty where the others were
  Json words = Json::object();    // JSON pointer -> what stood there
  Json values = Json::object();   // the same
};

// REQUIRES: the JSON of a turn record.
RecordParts SplitRecord(Json record);
// The record again; of a part that is gone (null or empty) its places stay empty.
Json JoinRecord(RecordParts parts);

}  // namespace sotto
