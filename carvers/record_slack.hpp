// What lies behind the attributes of a FILE record.
//
// A record is zeroed when a new file takes it, so slack is nearly always the same file's own past. Told apart (SlackRole):
// - directory_child: a $FILE_NAME from an index that shrank or left the record. `container` is this directory; the child's reference is
//   known when the index entry's header survived. Where the end marker lies over the parent field the parent is inferred from the place.
// - own_content: the unnamed $DATA is non-resident now and the slack holds the rest of its former resident value. FragmentFacts carry the
//   offset in the file, inferred from where the value began; the first bytes are under the longer header that replaced it.
// - none, with a name: an earlier $FILE_NAME attribute of this very file (rename, short name); only its tail may be left
//   (Integrity::partial: no times, parent not known).
// - earlier_owner: a whole $FILE_NAME attribute that cannot be this file's: neither its creation time nor its name is. Reference not known.
// Integrity is `partial` where a part is overwritten, else `carved`; an overwritten time is no_time. One sighting per name, one for all
// fragments of a record.
#pragma once

#include "carvers/record_view.hpp"

namespace trimcarve::carvers {

struct SlackTally {
  std::uint64_t records = 0;           // looked at
  std::uint64_t with_slack = 0;        // with a byte other than zero behind the attributes
  std::uint64_t with_names = 0;        // with at least one name emitted
  std::uint64_t children = 0;          // directory_child sightings
  std::uint64_t parents_lost = 0;      // of them: parent overwritten
  std::uint64_t references_known = 0;  // of them: entry header survived
  std::uint64_t own_names = 0, own_name_tails = 0;
  std::uint64_t earlier_owners = 0;
  std::uint64_t own_content = 0;    // sightings
  std::uint64_t content_bytes = 0;  // in their fragments
  TimeWindow window;                // of the names' record change times
};

void carve_record_slack(const RecordView& view, Sighting& scratch, const SightingSink& sink, SlackTally& tally);

}  // namespace trimcarve::carvers
