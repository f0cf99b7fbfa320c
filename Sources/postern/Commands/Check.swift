import ArgumentParser
import ConfigSyntax

/// `postern check`
struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Read a configuration and the files it names, and say all there is to say about them.",
        discussion: """
            Errors are what Postern would not start with; warnings what is unwise; notes what is harmless or differs \
            from Nginx. The exit status is 1 if there are errors.
            """
    )

    @OptionGroup var options: ConfigurationOptions

    func run() throws {
        let inspection = Inspection(options.service)
        if !inspection.diagnostics.isEmpty {
            Console.complain(DiagnosticRenderer().render(inspection.diagnostics))
        }
        if inspection.isUsable {
            Console.print("\(options.config) is fine\(inspection.summary.map { ": \($0)" } ?? "")")
        } else {
            Console.complain("\(options.config) can't be used: \(inspection.summary ?? "")")
            throw ExitCode.failure
        }
    }
}
