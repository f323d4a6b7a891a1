//! What goes to the editor with a code action and comes back when it is chosen.

use serde::{Deserialize, Serialize};
use tower_lsp_server::ls_types::{Position, Uri};

use crate::copilot::{Delivery, Todo};

/// An action of a document as it was.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ActionData {
    pub uri: Uri,
    /// Of an open document.
    pub version: Option<i32>,
    pub todo: WireTodo,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "camelCase")]
pub enum WireTodo {
    Plan { only: Vec<String>, all: bool },
    Answer { question: String, choice: String },
    Fix { statement: usize, rule: String },
    FixAll,
    Ignore { statement: usize, rule: String },
    Rewrite { statement: usize, all: bool },
    Rollback,
    Advance,
    Explain { offset: usize },
}

/// The argument of `lockkeeper.plan` and `lockkeeper.advance`.
#[derive(Debug, Deserialize)]
pub struct FileArgument {
    pub uri: Uri,
    /// All phases at once.
    #[serde(default)]
    pub all: bool,
}

/// The argument of `lockkeeper.explain`.
#[derive(Debug, Serialize, Deserialize)]
pub struct PlaceArgument {
    pub uri: Uri,
    pub position: Position,
}

impl WireTodo {
    pub fn new(todo: &Todo) -> Self {
        match todo.clone() {
            Todo::Plan { only, delivery } => Self::Plan { only, all: delivery == Delivery::All },
            Todo::Answer { question, choice } => Self::Answer { question, choice },
            Todo::Fix { statement, rule } => Self::Fix { statement, rule },
            Todo::FixAll => Self::FixAll,
            Todo::Ignore { statement, rule } => Self::Ignore { statement, rule },
            Todo::Rewrite { statement, delivery } => Self::Rewrite { statement, all: delivery == Delivery::All },
            Todo::Rollback => Self::Rollback,
            Todo::Advance => Self::Advance,
            Todo::Explain { offset } => Self::Explain { offset },
        }
    }

    pub fn todo(self) -> Todo {
        match self {
            Self::Plan { only, all } => Todo::Plan { only, delivery: delivery(all) },
            Self::Answer { question, choice } => Todo::Answer { question, choice },
            Self::Fix { statement, rule } => Todo::Fix { statement, rule },
            Self::FixAll => Todo::FixAll,
            Self::Ignore { statement, rule } => Todo::Ignore { statement, rule },
            Self::Rewrite { statement, all } => Todo::Rewrite { statement, delivery: delivery(all) },
            Self::Rollback => Todo::Rollback,
            Self::Advance => Todo::Advance,
            Self::Explain { offset } => Todo::Explain { offset },
        }
    }
}

fn delivery(all: bool) -> Delivery {
    if all { Delivery::All } else { Delivery::Staged }
}
