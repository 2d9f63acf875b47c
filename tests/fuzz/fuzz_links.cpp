// Word alignments as text: Pharaoh lines and gold links.
#include "models/corpus/pharaoh.h"
#include "tests/fuzz/fuzz.h"

namespace heed::fuzz::links {

void read(std::string_view bytes) {
  using namespace models;
  bool one = false;
  also([&] {
    const std::vector<AlignmentLink> links = parse_pharaoh_line(bytes, "links", 1);
    require(parse_pharaoh_line(pharaoh_line(links), "again", 1) == links, "written and read again");
    const std::vector<AlignmentLink> back = reversed(links);
    for (const Symmetrisation method : {Symmetrisation::intersection, Symmetrisation::union_of_both,
                                        Symmetrisation::grow_diag, Symmetrisation::grow_diag_final_and})
      symmetrise(links, back, method);
    one = true;
  });
  also([&] {
    parse_gold_line(bytes, "gold", 1);
    one = true;
  });
  if (!one) throw FormatError("it is none of them");
}

std::vector<std::string> seeds() { return {"0-0 1-2 3-4 10-11", "0-0 1?2 3-4 10-11", "", "7-7"}; }

}  // namespace heed::fuzz::links
HEED_FUZZ_TARGET(links, "-", "?", " ", "2147483647", "2147483648", "18446744073709551616")
