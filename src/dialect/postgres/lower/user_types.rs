//! CREATE and ALTER TYPE and DOMAIN.

use squawk_syntax::ast::{self, AstNode};

use super::context::Cx;
use crate::sql::*;

impl Cx<'_> {
    pub fn create_type(&mut self, it: &ast::CreateType) -> Option<()> {
        let name = self.define(it.type_name(), ObjectRef::Type)?;
        let kind = match it.kind() {
            None => TypeKind::Shell,
            Some(ast::CreateTypeKind::EnumType(it)) => {
                let variants = it.variant_list().into_iter().flat_map(|it| it.variants());
                TypeKind::Enum(variants.filter_map(|it| it.literal()).map(|it| self.value(&it)).collect())
            }
            Some(ast::CreateTypeKind::CompositeType(it)) => {
                let fields: Vec<_> = it.composite_field_list()?.composite_field_defs().collect();
                let fields: Option<Vec<_>> =
                    fields.iter().map(|it| self.attribute(it.name(), it.ty(), it.collate())).collect();
                TypeKind::Composite(fields?)
            }
            Some(ast::CreateTypeKind::RangeType(it)) => TypeKind::Range(self.options(it.attribute_list())),
            Some(ast::CreateTypeKind::BaseType(_)) => {
                return self.opaque_create(it.syntax(), Some(ObjectRef::Type(name)), "base types are kept as text");
            }
        };
        self.push(Ddl::CreateType { ty: Box::new(UserType { name, kind, owner: None }) });
        Some(())
    }

    fn attribute(
        &mut self,
        name: Option<impl AstNode>,
        ty: Option<ast::Type>,
        collate: Option<ast::Collate>,
    ) -> Option<Attribute> {
        let name = self.ident_opt(name)?;
        let ty = ty?;
        let found = self.data_type(&ty)?;
        self.mark_type(&ty, &found);
        Some(Attribute { name, ty: found, collation: self.collation(collate) })
    }

    pub fn alter_type(&mut self, it: &ast::AlterType) -> Option<()> {
        let name = self.refer(it.type_name_ref(), ObjectRef::Type)?;
        let object = ObjectRef::Type(name.clone());
        let ddl = match it.action()? {
            ast::AlterTypeAction::AddValue(it) => Ddl::AddEnumValue {
                ty: name,
                value: self.value(&it.literal()?),
                position: match it.value_position() {
                    None => EnumPosition::End,
                    Some(ast::ValuePosition::BeforeValue(it)) => EnumPosition::Before(self.value(&it.literal()?)),
                    Some(ast::ValuePosition::AfterValue(it)) => EnumPosition::After(self.value(&it.literal()?)),
                },
                if_not_exists: it.if_not_exists().is_some(),
            },
            ast::AlterTypeAction::RenameValue(it) => {
                Ddl::RenameEnumValue { ty: name, from: self.value(&it.from()?), to: self.value(&it.to()?) }
            }
            ast::AlterTypeAction::RenameAttribute(it) => {
                let from = self.ident_opt(it.composite_field_ref())?;
                let to = self.ident_opt(it.composite_field())?;
                Ddl::AlterComposite { name, action: CompositeAction::RenameAttribute { from, to } }
            }
            ast::AlterTypeAction::AlterTypeAttributeActionList(it) => return self.attribute_actions(&it, &name),
            ast::AlterTypeAction::TypeRenameTo(it) => {
                Ddl::RenameType { from: name, to: self.define(it.type_name(), ObjectRef::Type)?.name }
            }
            ast::AlterTypeAction::OwnerTo(it) => return self.set_owner(object, &it),
            ast::AlterTypeAction::SetSchema(it) => return self.set_schema(object, &it),
            ast::AlterTypeAction::SetOptions(_) => return self.opaque_alter(it.syntax()),
        };
        self.push(ddl);
        Some(())
    }

    fn attribute_actions(&mut self, list: &ast::AlterTypeAttributeActionList, ty: &Name) -> Option<()> {
        for action in list.actions() {
            let action = match action {
                ast::AlterTypeAttributeAction::AddAttribute(it) => {
                    CompositeAction::AddAttribute(self.attribute(it.composite_field(), it.ty(), it.collate())?)
                }
                ast::AlterTypeAttributeAction::DropAttribute(it) => CompositeAction::DropAttribute {
                    name: self.ident_opt(it.composite_field_ref())?,
                    if_exists: it.if_exists().is_some(),
                },
                ast::AlterTypeAttributeAction::AlterAttribute(it) => {
                    let Attribute { name, ty, collation } =
                        self.attribute(it.composite_field_ref(), it.ty(), it.collate())?;
                    CompositeAction::SetAttributeType { name, ty, collation }
                }
            };
            self.push(Ddl::AlterComposite { name: ty.clone(), action });
        }
        Some(())
    }

    pub fn create_domain(&mut self, it: &ast::CreateDomain) -> Option<()> {
        let name = self.define(it.domain(), ObjectRef::Type)?;
        let ty = it.ty()?;
        let base = self.data_type(&ty)?;
        self.mark_type(&ty, &base);
        let mut domain = Domain { base, collation: None, default: None, not_null: false, checks: Vec::new() };
        for qualifier in it.domain_qualifiers() {
            match qualifier {
                ast::DomainQualifier::Collate(it) => domain.collation = self.collation(Some(it)),
                ast::DomainQualifier::Constraint(ast::Constraint::DefaultConstraint(it)) => {
                    domain.default = Some(self.expr_opt(it.expr())?);
                }
                ast::DomainQualifier::Constraint(ast::Constraint::NullConstraint(_)) => {}
                ast::DomainQualifier::Constraint(ast::Constraint::NotNullConstraint(_)) => domain.not_null = true,
                ast::DomainQualifier::Constraint(it) => domain.checks.push(self.check(&it)?),
            }
        }
        let ty = UserType { name, kind: TypeKind::Domain(domain), owner: None };
        self.push(Ddl::CreateType { ty: Box::new(ty) });
        Some(())
    }

    /// A CHECK of a domain. Its name is the domain's own; it is not marked as a table's.
    fn check(&mut self, it: &ast::Constraint) -> Option<Constraint> {
        let ast::Constraint::CheckConstraint(check) = it else { return None };
        let name = self.ident_opt(it.constraint_name());
        let mut constraint = Constraint::new(name, ConstraintKind::Check(self.expr_opt(check.expr())?));
        constraint.not_valid = it.is_not_valid();
        Some(constraint)
    }

    pub fn alter_domain(&mut self, it: &ast::AlterDomain) -> Option<()> {
        let name = self.refer(it.domain_ref(), ObjectRef::Type)?;
        let object = ObjectRef::Type(name.clone());
        let action = match it.action()? {
            ast::AlterDomainAction::SetDefault(it) => DomainAction::SetDefault(Some(self.expr_opt(it.expr())?)),
            ast::AlterDomainAction::DropDefault(_) => DomainAction::SetDefault(None),
            ast::AlterDomainAction::SetNotNull(_) => DomainAction::SetNotNull,
            ast::AlterDomainAction::DropNotNull(_) => DomainAction::DropNotNull,
            ast::AlterDomainAction::AddConstraint(it) => match it.constraint()? {
                ast::Constraint::NotNullConstraint(_) => DomainAction::SetNotNull,
                other => DomainAction::AddConstraint(self.check(&other)?),
            },
            ast::AlterDomainAction::DropConstraint(it) => DomainAction::DropConstraint {
                name: self.ident_opt(it.constraint_name_ref())?,
                if_exists: it.if_exists().is_some(),
            },
            ast::AlterDomainAction::RenameConstraint(it) => DomainAction::RenameConstraint {
                from: self.ident_opt(it.constraint_name_ref())?,
                to: self.ident_opt(it.constraint_name())?,
            },
            ast::AlterDomainAction::ValidateConstraint(it) => {
                DomainAction::ValidateConstraint(self.ident_opt(it.constraint_name_ref())?)
            }
            ast::AlterDomainAction::OwnerTo(it) => return self.set_owner(object, &it),
            ast::AlterDomainAction::SetSchema(it) => return self.set_schema(object, &it),
            ast::AlterDomainAction::DomainRenameTo(it) => {
                let to = self.define(it.domain(), ObjectRef::Type)?.name;
                self.push(Ddl::RenameType { from: name, to });
                return Some(());
            }
        };
        self.push(Ddl::AlterDomain { name, action });
        Some(())
    }
}
