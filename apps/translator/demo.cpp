#include "apps/translator/commands.h"
namespace heed::apps { Command add_demo(CLI::App&) { return [] {}; } }
