// ConfigSyntax
