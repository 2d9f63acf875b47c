// One side of a parallel text: segments of SGM, talks with tags, lines.
#include <fmt/format.h>

#include "models/corpus/sides.h"
#include "tests/fuzz/fuzz.h"

namespace heed::fuzz::sides {

void read(std::string_view bytes) {
  bool one = false;
  for (const char* name : {"a.sgm", "train.tags.en-fr.en", "a.en"}) {
    also([&] {
      const auto side = models::open_side(models::LineSource(in_pieces(bytes, 100), name), name);
      models::Segment segment;
      uint64_t sentences = 0;
      while (side->next(segment)) {
        models::undone_entities(segment.text);
        require(++sentences == side->count(), "sentences are counted");
      }
      one = one || sentences > 0;
    });
  }
  if (!one) throw FormatError("it is none of them");
}

std::vector<std::string> seeds() {
  std::string sgm = "<srcset setid=\"x\" srclang=\"any\">\n", talks;
  for (int i = 0; i < 4; ++i) {
    sgm +=
        fmt::format("<doc docid=\"d{0}\">\n<p>\n<seg id=\"{0}\">a &amp; b &#x41; {0}</seg>\n</p></doc>\n", i);
    talks += fmt::format("<url>http://x/{0}</url>\n<title>On {0}</title>\ntext {0}\n", i);
  }
  return {sgm + "</srcset>\n", talks,
          "<?xml version=\"1.0\"?>\n<mteval>\n<doc docid=\"1\"><hl><seg id=\"1\">x <b>y</b>\nz</seg></hl>\n"
          "<seg id=\"2\"/><!-- <seg> --><seg id='3'><![CDATA[a < b]]></seg></doc></mteval>\n",
          "one\r\ntwo\n\nthree"};
}

}  // namespace heed::fuzz::sides
HEED_FUZZ_TARGET(sides, "<seg id=\"1\">", "</seg>", "<doc docid=\"", "</doc>", "<![CDATA[", "]]>", "<!--",
                 "-->", "&#x", "&amp;", ";", "<url>", "</url>", "<talkid>", "/>", "'", "<?", "?>")
