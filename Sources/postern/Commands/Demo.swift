import ArgumentParser
/// `postern demo`
struct Demo: ParsableCommand {
}
