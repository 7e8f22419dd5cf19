# Every library Sluice links. Public: what an embedder's headers need. Private: known to one layer each.
include(FindDependencies)

add_library(sluice_public_dependencies INTERFACE)
target_link_libraries(sluice_public_dependencies INTERFACE Boost::headers Threads::Threads)

add_library(sluice_private_dependencies INTERFACE)
target_link_libraries(sluice_private_dependencies INTERFACE
    OpenSSL::SSL OpenSSL::Crypto spdlog::spdlog nlohmann_json::nlohmann_json yaml-cpp CLI11::CLI11 prometheus-cpp::core
    PkgConfig::PQXX PkgConfig::PQ PkgConfig::RE2 PkgConfig::RHONABWY PkgConfig::BROTLI
    ZLIB::ZLIB ${HIREDIS_LIBRARY})
