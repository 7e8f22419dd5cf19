#include "app/stop_signal.hpp"
#include "cli/commands.hpp"
#include "sluice/server.hpp"
#include "sluice/settings.hpp"

#include <iostream>

namespace sluice::cli {

int serve(const Common& common) {
    app::block_signals();  // none may end the process while the file is read
    return Server{load_settings(common.config)}.run();
}

int version(bool json) {
    if (json)
        std::cout << R"({"version":")" SLUICE_VERSION "\"}\n";
    else
        std::cout << "sluice " SLUICE_VERSION "\n";
    return 0;
}

}  // namespace sluice::cli
