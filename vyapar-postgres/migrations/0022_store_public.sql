-- What everyone may see of active stores: their profile, and their products without cost,
-- supplier and levels. Readable as role `vyapar_public`, which can read nothing else.

do $$
begin
    if not exists (select from pg_catalog.pg_roles where rolname = 'vyapar_public') then
        begin
            create role vyapar_public nologin nobypassrls;
        exception
            when duplicate_object or unique_violation then null;
        end;
    end if;
exception
    when insufficient_privilege then
        raise exception using
            errcode = 'insufficient_privilege',
            message = 'role vyapar_public is missing',
            hint = 'as a role with CREATEROLE: create role vyapar_public nologin nobypassrls';
end
$$;

-- Views run with their owner's rights, whom row-level security does not bind: what they leave
-- out is all that protects it. A barrier, so that no condition is tried on a hidden row.
create view vyapar.public_stores with (security_barrier) as
    select id, store_id, store_name, address, city, state, pincode, latitude, longitude, store_type, business_hours,
           delivery_radius_km, min_order_amount, delivery_fee, preparation_minutes, accepts_online_payment, verified,
           rating
      from vyapar.stores where status = 'active';

create view vyapar.public_products with (security_barrier) as
    select p.id, p.store_id, p.generic_product_id, p.sku, p.barcode, p.product_name, p.brand_id, p.variant_type,
           p.size, p.size_unit, p.hsn_code, p.mrp, p.selling_price, p.tax_rate, p.discount_percentage, p.stock_unit
      from vyapar.store_products p join vyapar.stores s on s.id = p.store_id
     where p.status = 'active' and s.status = 'active';

grant usage on schema vyapar to vyapar_public;
grant select on vyapar.public_stores, vyapar.public_products to vyapar_public;
