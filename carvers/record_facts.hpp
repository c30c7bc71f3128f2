// What an attribute of a FILE record states, as facts of a sighting: times, names, streams with their runs. For carvers only.
#pragma once

#include "ntfs/attribute.hpp"
#include "trimcarve/sighting.hpp"

namespace trimcarve::carvers {

// Adds what the attribute states. `record` is where the bytes lie in which the attribute's offsets count (its length is not used);
// `volume_clusters` is 0 when not known. False when a part of the attribute could not be taken.
bool take_attribute(const ntfs::Attribute& attribute, std::uint64_t volume_clusters, const Place& record, Sighting& sighting);

}  // namespace trimcarve::carvers
