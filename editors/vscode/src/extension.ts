// Starts the server and shows its answers. No migration logic here.

import * as vscode from "vscode";
import { LanguageClient, LanguageClientOptions, ServerOptions } from "vscode-languageclient/node";

let client: LanguageClient | undefined;

export async function activate(): Promise<void> {
  const command = vscode.workspace.getConfiguration("lockkeeper").get<string>("path", "lockkeeper");
  const server: ServerOptions = { command, args: ["lsp"] };
  const options: LanguageClientOptions = {
    documentSelector: [{ language: "sql" }, { pattern: "**/*.sql" }, { pattern: "**/lockkeeper.toml" }],
    initializationOptions: { showsAnswers: true },
    middleware: {
      // "Explain" answers with Markdown: shown as a preview.
      executeCommand: async (name, args, next) => {
        const answer: unknown = await next(name, args);
        if (name === "lockkeeper.explain" && typeof answer === "string") {
          const document = await vscode.workspace.openTextDocument({ language: "markdown", content: answer });
          await vscode.commands.executeCommand("markdown.showPreviewToSide", document.uri);
        }
        return answer;
      },
    },
  };
  client = new LanguageClient("lockkeeper", "Lockkeeper", server, options);
  await client.start();
}

export async function deactivate(): Promise<void> {
  await client?.stop();
}
